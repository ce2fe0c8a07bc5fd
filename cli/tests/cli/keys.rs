//! `tidegate keys`, read back by the code that the Worker reads its secrets with.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Map, Value};
use tempfile::TempDir;
use tidegate_core::ids::{Epoch, ShopperId};
use tidegate_core::token::access::AccessKeys;
use tidegate_core::token::handoff::HandoffKeys;
use tidegate_core::token::identity::IdentityKeys;
use tidegate_core::token::keys::{Reach, read_shopper_key};
use tidegate_core::token::ticket::{Ticket, TicketKeys};

use crate::run::{Ran, run, tidegate};

const NOW: u64 = 1_800_000_000_000;

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// One with a fresh `secrets.json`.
    fn with_secrets() -> Self {
        let folder = Self::new();
        run(&mut folder.keys(&["new", "--output", "secrets.json"])).ok();
        folder
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("secrets.json")
    }

    fn keys(&self, args: &[&str]) -> Command {
        let mut command = tidegate(["keys"]);
        command.args(args).current_dir(self.0.path());
        command
    }

    fn rotate(&self, secret: &str, args: &[&str]) -> Ran {
        let mut command = self.keys(&["rotate", "--file", "secrets.json", "--secret", secret]);
        run(command.args(args))
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }
}

fn secrets(path: &Path) -> Map<String, Value> {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn kids(path: &Path, secret: &str) -> Vec<String> {
    let list: Vec<Map<String, Value>> =
        serde_json::from_str(secrets(path)[secret].as_str().unwrap()).unwrap();
    list.iter()
        .map(|entry| entry["kid"].as_str().unwrap().to_owned())
        .collect()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn ticket_keys(path: &Path) -> TicketKeys {
    TicketKeys::read(
        secrets(path)["TICKET_KEYS"].as_str().unwrap(),
        Reach::Public,
    )
    .unwrap()
}

fn ticket() -> Ticket {
    Ticket {
        queue: "demo".parse().unwrap(),
        epoch: Epoch::from_bytes([1; 16]),
        shopper: ShopperId::from_bytes([2; 16]),
        index: 7,
        position: None,
        issued_at: NOW,
    }
}

#[test]
fn a_fresh_set_is_good_in_public() {
    let folder = Folder::with_secrets();
    let secrets = secrets(&folder.file());
    let text = |name: &str| secrets[name].as_str().unwrap();
    assert_eq!(secrets.len(), 6);
    ticket_keys(&folder.file())
        .sign(&ticket(), NOW, NOW + 1_000)
        .unwrap();
    HandoffKeys::read(text("HANDOFF_KEYS"), Reach::Public).unwrap();
    read_shopper_key(text("SHOPPER_KEY"), Reach::Public).unwrap();
    IdentityKeys::read(text("IDENTITY_KEYS"), Reach::Public).unwrap();
    for (secret, name) in [("ADMIN_KEYS", "admin"), ("ORIGIN_KEYS", "origin")] {
        let list: Value = serde_json::from_str(text(secret)).unwrap();
        let key = list[0]["key"].as_str().unwrap();
        assert_eq!(key.len(), 43);
        let keys = AccessKeys::read(secret, text(secret), Reach::Public).unwrap();
        assert_eq!(keys.caller(Some(key)).ok().unwrap().name(), name);
    }
}

#[test]
fn the_file_is_its_owner_s_alone_and_never_overwritten() {
    let folder = Folder::with_secrets();
    assert_eq!(mode(&folder.file()), 0o600);
    let before = fs::read(folder.file()).unwrap();
    let refusal = run(&mut folder.keys(&["new", "--output", "secrets.json"])).refused(1);
    assert!(refusal.contains("secrets.json exists"), "{refusal}");
    assert_eq!(fs::read(folder.file()).unwrap(), before);
    assert_eq!(folder.names(), ["secrets.json"]);
}

#[test]
fn the_next_steps_show_no_secret() {
    let folder = Folder::new();
    let ran = run(&mut folder.keys(&["new", "--output", "secrets.json"]));
    assert!(
        ran.stderr.contains("scripts/deploy --secrets secrets.json"),
        "{}",
        ran.stderr
    );
    let secrets = secrets(&folder.file());
    assert!(
        !ran.stderr
            .contains(secrets["SHOPPER_KEY"].as_str().unwrap())
    );
    assert_eq!(ran.stdout, "");
}

#[test]
fn a_pipe_is_given_the_secrets_and_nothing_else() {
    let folder = Folder::new();
    for args in [&["new"][..], &["new", "--output", "-"][..]] {
        let stdout = run(&mut folder.keys(args)).ok();
        assert_eq!(
            serde_json::from_str::<Map<String, Value>>(&stdout)
                .unwrap()
                .len(),
            6
        );
    }
    assert!(folder.names().is_empty());
}

#[test]
fn every_ticket_stays_good_from_step_to_step_of_a_rotation() {
    let folder = Folder::with_secrets();
    let file = folder.file();
    let queue = ticket().queue;
    let before = ticket_keys(&file);
    let old = kids(&file, "TICKET_KEYS").remove(0);

    folder.rotate("TICKET_KEYS", &[]).ok();
    let appended = ticket_keys(&file);
    folder.rotate("TICKET_KEYS", &["--promote"]).ok();
    let promoted = ticket_keys(&file);
    folder.rotate("TICKET_KEYS", &["--retire", &old]).ok();
    let retired = ticket_keys(&file);

    // Versions that stand next to each other answer side by side while a deployment spreads.
    for (one, other) in [
        (&before, &appended),
        (&appended, &promoted),
        (&promoted, &retired),
    ] {
        let token = other.sign(&ticket(), NOW, NOW + 1_000).unwrap();
        assert!(one.verify(&token, &queue, NOW).is_ok());
    }
    let token = before.sign(&ticket(), NOW, NOW + 1_000).unwrap();
    assert!(promoted.verify(&token, &queue, NOW).is_ok());
    assert!(retired.verify(&token, &queue, NOW).is_err());
}

#[test]
fn a_rotation_touches_one_secret_and_keeps_the_file_closed() {
    let folder = Folder::with_secrets();
    let mut before = secrets(&folder.file());
    before.insert("TURNSTILE_SECRET".into(), "mine".into());
    fs::write(folder.file(), serde_json::to_string(&before).unwrap()).unwrap();
    fs::set_permissions(folder.file(), fs::Permissions::from_mode(0o644)).unwrap();

    folder.rotate("HANDOFF_KEYS", &[]).ok();
    let mut after = secrets(&folder.file());
    assert_eq!(kids(&folder.file(), "HANDOFF_KEYS").len(), 2);
    assert_ne!(after.remove("HANDOFF_KEYS"), before.remove("HANDOFF_KEYS"));
    assert_eq!(after, before);
    assert_eq!(mode(&folder.file()), 0o600);
    assert_eq!(folder.names(), ["secrets.json"]);
}

#[test]
fn steps_out_of_order_are_refused_and_change_nothing() {
    let folder = Folder::with_secrets();
    let file = folder.file();
    let signer = kids(&file, "TICKET_KEYS").remove(0);
    let refused = |args: &[&str], cause: &str| {
        let before = fs::read(&file).unwrap();
        let refusal = folder.rotate("TICKET_KEYS", args).refused(1);
        assert!(refusal.contains(cause), "{refusal}");
        assert_eq!(fs::read(&file).unwrap(), before);
    };
    refused(&["--promote"], "signs already");
    refused(&["--retire", &signer], "a list must have a key");
    refused(&["--retire", "nobody"], "has no key nobody");
    folder.rotate("TICKET_KEYS", &[]).ok();
    refused(&[], "does not sign yet");
    folder.rotate("TICKET_KEYS", &["--promote"]).ok();
    refused(&["--promote"], "signs already");
}

#[test]
fn a_link_to_the_file_stays_a_link() {
    let folder = Folder::with_secrets();
    let real = folder.0.path().join("real.json");
    fs::rename(folder.file(), &real).unwrap();
    symlink("real.json", folder.file()).unwrap();
    folder.rotate("TICKET_KEYS", &[]).ok();
    assert!(fs::symlink_metadata(folder.file()).unwrap().is_symlink());
    assert_eq!(kids(&real, "TICKET_KEYS").len(), 2);
}

#[test]
fn a_file_that_is_no_set_of_secrets_is_refused_without_showing_it() {
    let folder = Folder::new();
    let key = "dev-AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for text in [
        format!("TICKET_KEYS='[{{\"kid\":\"a\",\"key\":\"{key}\"}}]'"),
        format!("[\"{key}\"]"),
        format!("{{\"OTHER\":\"{key}\"}}"),
        format!("{{\"TICKET_KEYS\":[\"{key}\"]}}"),
        format!("{{\"TICKET_KEYS\":\"{key}\"}}"),
        String::from("{\"TICKET_KEYS\":\"[]\"}"),
        format!("{{\"TICKET_KEYS\":\"[{{\\\"kid\\\":\\\"a\\\",\\\"key\\\":\\\"{key}\\\"}}]\"}}"),
        String::from("{\"TICKET_KEYS\":\"[{\\\"kid\\\":\\\"a\\\",\\\"key\\\":\\\"short\\\"}]\"}"),
    ] {
        fs::write(folder.file(), &text).unwrap();
        let refusal = folder.rotate("TICKET_KEYS", &[]).refused(1);
        assert!(refusal.contains("secrets.json"), "{refusal}");
        assert!(!refusal.contains(key), "{refusal}");
        assert_eq!(fs::read_to_string(folder.file()).unwrap(), text);
    }
}

/// scripts/deploy would refuse it afterwards, when the rotation is half done.
#[test]
fn a_rotation_does_not_begin_where_an_access_key_could_be_guessed() {
    let folder = Folder::with_secrets();
    for name in ["ADMIN_KEYS", "ORIGIN_KEYS"] {
        let fresh = fs::read_to_string(folder.file()).unwrap();
        let mut weak = secrets(&folder.file());
        weak[name] = r#"[{"name":"ops","key":"swordfish"}]"#.into();
        let weak = Value::from(weak).to_string();
        fs::write(folder.file(), &weak).unwrap();
        let refusal = folder.rotate("TICKET_KEYS", &[]).refused(1);
        assert!(
            refusal.contains(name) && refusal.contains("ops"),
            "{refusal}"
        );
        assert!(
            refusal.contains("32") && !refusal.contains("swordfish"),
            "{refusal}"
        );
        assert_eq!(fs::read_to_string(folder.file()).unwrap(), weak);
        fs::write(folder.file(), &fresh).unwrap();
    }
    folder.rotate("TICKET_KEYS", &[]).ok();
}
