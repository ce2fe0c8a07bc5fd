//! Messages of each version that is read, as files: `golden/wire/<version>/<type>.txt` has of each
//! message what it says, in JSON, and below it what is sent.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tidegate_core::calls::{
    DirectoryCall, DirectoryReply, LaneCall, LaneReply, QueueCall, QueueReply, RelayCall,
    RelayReply, Reply,
};
use tidegate_core::config::{Access, UniqueBy};
use tidegate_core::problem::Code;
use tidegate_core::queue::{Answer, ClaimState, Event};
use tidegate_core::relay::Closing;
use tidegate_core::view::snapshot::{Level, Phase, Trust};
use tidegate_core::wire::{self, VERSION};

use crate::variants::variants;

/// What to do when a message is not what it was.
const REMEDY: &str =
    "What travels has changed, and during a deploy the version before must read it.
1. A new field is the last of its struct or variant and has #[serde(default)]; a new variant is the
   last of its enum. Any other change makes VERSION grow by two: see core/src/wire.rs.
2. If a release holds this VERSION, add one to it, copy core/tests/golden/wire/<version> to the new
   number, and remove the folders of versions that are not read any more. If none does, the folder
   may change.
3. In the newest folder, give new fields a value in the JSON, and new variants a message (a line of
   JSON, and a line with anything). Then run
   BLESS=1 cargo test -p tidegate-core --test wire
   and read the difference.";

/// Calls a function for each type that travels, with the name of its file.
macro_rules! each_type {
    ($does:ident, $version:expr) => {
        $does::<QueueCall>($version, "queue-call");
        $does::<Reply<QueueReply>>($version, "queue-reply");
        $does::<LaneCall>($version, "lane-call");
        $does::<Reply<LaneReply>>($version, "lane-reply");
        $does::<RelayCall>($version, "relay-call");
        $does::<Reply<RelayReply>>($version, "relay-reply");
        $does::<DirectoryCall>($version, "directory-call");
        $does::<Reply<DirectoryReply>>($version, "directory-reply");
    };
}

#[test]
fn what_is_sent_changes_only_with_the_version() {
    each_type!(check_written, VERSION);
}

#[test]
fn messages_of_each_version_that_is_read_say_what_they_said() {
    // The files are being written.
    if env::var_os("BLESS").is_some() {
        return;
    }
    for version in versions() {
        assert!(
            version.abs_diff(VERSION) <= 1,
            "golden/wire/{version} is of a version that is not read: remove it"
        );
        each_type!(check_read, version);
    }
    assert!(
        versions().contains(&VERSION),
        "no golden/wire/{VERSION}\n{REMEDY}"
    );
}

/// A variant without a message could change unseen.
#[test]
fn each_variant_that_travels_is_in_a_file() {
    let files: String = names().iter().map(|name| text(VERSION, name)).collect();
    let enums = [
        variants::<QueueCall>(),
        variants::<Event>(),
        variants::<QueueReply>(),
        variants::<Answer>(),
        variants::<LaneCall>(),
        variants::<LaneReply>(),
        variants::<RelayCall>(),
        variants::<RelayReply>(),
        variants::<DirectoryCall>(),
        variants::<DirectoryReply>(),
        variants::<Code>(),
        variants::<ClaimState>(),
        variants::<Access>(),
        variants::<UniqueBy>(),
        variants::<Phase>(),
        variants::<Level>(),
        variants::<Trust>(),
        variants::<Closing>(),
    ];
    for variants in enums {
        assert!(!variants.is_empty());
        for variant in variants {
            let is_there = files.contains(&format!("\"{variant}\""));
            assert!(is_there, "no message has {variant}\n{REMEDY}");
        }
    }
}

fn check_written<T: Serialize + DeserializeOwned>(version: u32, name: &str) {
    let mut now = String::new();
    for (said, _) in messages(version, name) {
        let message: T = serde_json::from_str(&said)
            .unwrap_or_else(|error| panic!("{name}: {error}: {said}\n{REMEDY}"));
        let said = serde_json::to_string(&message).unwrap();
        writeln!(now, "{said}\n{}\n", wire::write("", &message).unwrap()).unwrap();
    }
    if env::var_os("BLESS").is_some() {
        fs::write(path(version, name), now).unwrap();
    } else {
        assert!(
            now == text(version, name),
            "{name} of version {version} is other than it was.\n{REMEDY}\nNow it is\n{now}"
        );
    }
}

fn check_read<T: Serialize + DeserializeOwned>(version: u32, name: &str) {
    for (said, sent) in messages(version, name) {
        let message: T =
            wire::read(&sent).unwrap_or_else(|error| panic!("{name}: {error}: {said}\n{REMEDY}"));
        let now = serde_json::to_value(&message).unwrap();
        let said: Value = serde_json::from_str(&said).unwrap();
        assert!(
            says_all_of(&now, &said),
            "{name}: {said}\nis read as\n{now}\n{REMEDY}"
        );
    }
}

/// Whether `now` says what `before` says, and perhaps more.
fn says_all_of(now: &Value, before: &Value) -> bool {
    match (now, before) {
        (Value::Object(now), Value::Object(before)) => before.iter().all(|(name, before)| {
            let now = now.get(name);
            now.is_some_and(|now| says_all_of(now, before))
        }),
        (Value::Array(now), Value::Array(before)) => {
            let mut pairs = now.iter().zip(before);
            now.len() == before.len() && pairs.all(|(now, before)| says_all_of(now, before))
        }
        _ => now == before,
    }
}

/// What each message of a file says, and what is sent.
fn messages(version: u32, name: &str) -> Vec<(String, String)> {
    let text = text(version, name);
    let messages = text.split_terminator("\n\n").map(|message| {
        let (said, sent) = message.split_once('\n').expect("two lines a message");
        (said.to_owned(), sent.to_owned())
    });
    messages.collect()
}

fn text(version: u32, name: &str) -> String {
    let path = path(version, name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn path(version: u32, name: &str) -> PathBuf {
    folder()
        .join(version.to_string())
        .join(format!("{name}.txt"))
}

fn names() -> Vec<String> {
    let files = fs::read_dir(folder().join(VERSION.to_string())).unwrap();
    let name = |file: fs::DirEntry| file.path().file_stem()?.to_str().map(str::to_owned);
    files.filter_map(|file| name(file.unwrap())).collect()
}

/// The versions that there are files of.
fn versions() -> Vec<u32> {
    let folders = fs::read_dir(folder()).unwrap();
    let version = |folder: fs::DirEntry| folder.file_name().to_str()?.parse().ok();
    folders
        .filter_map(|folder| version(folder.unwrap()))
        .collect()
}

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/wire"))
}
