//! Style, script and icon, under names that hold a hash of what is in them.

use std::sync::LazyLock;

use hmac_sha256::Hash;
use tidegate_core::edge::pages::Asset;
use tidegate_core::hex::hex;

/// The folder of the Worker's own assets; a shop behind it never sees a request below.
const FOLDER: &str = "/tidegate/";
/// The name changes with every change of content.
const FOREVER: &str = "public, max-age=31536000, immutable";
/// For a name that another version of the Worker gave out.
const NEVER: &str = "no-store";

/// A file and the path that it is served under.
struct File {
    stem: &'static str,
    extension: &'static str,
    content_type: &'static str,
    body: String,
    path: String,
}

impl File {
    fn new(
        stem: &'static str,
        extension: &'static str,
        content_type: &'static str,
        source: &str,
    ) -> Self {
        let body = slim(source);
        let hash: String = hex(&Hash::hash(body.as_bytes())).chars().take(12).collect();
        let path = format!("{FOLDER}{stem}-{hash}.{extension}");
        Self {
            stem,
            extension,
            content_type,
            body,
            path,
        }
    }

    /// Whether `path` is this file under any hash.
    fn answers_to(&self, path: &str) -> bool {
        path.strip_prefix(FOLDER)
            .and_then(|name| name.strip_prefix(self.stem))
            .and_then(|name| name.strip_prefix('-'))
            .and_then(|name| name.strip_suffix(self.extension))
            .and_then(|name| name.strip_suffix('.'))
            .is_some_and(|hash| hash.len() == 12 && hash.bytes().all(|b| b.is_ascii_hexdigit()))
    }
}

/// Without what only readers of the source need: indentation, empty lines and comments. No string
/// in the assets spans lines or holds ` // `.
fn slim(source: &str) -> String {
    let comment =
        |line: &str| line.starts_with("//") || (line.starts_with("/*") && line.ends_with("*/"));
    let lines = source
        .lines()
        .map(|line| {
            line.split_once(" // ")
                .map_or(line, |(code, _)| code)
                .trim()
        })
        .filter(|line| !line.is_empty() && !comment(line));
    lines.flat_map(|line| [line, "\n"]).collect()
}

static STYLE: LazyLock<File> = LazyLock::new(|| {
    File::new(
        "room",
        "css",
        "text/css; charset=utf-8",
        include_str!("../assets/room.css"),
    )
});
static SCRIPT: LazyLock<File> = LazyLock::new(|| {
    File::new(
        "room",
        "js",
        "text/javascript; charset=utf-8",
        include_str!("../assets/room.js"),
    )
});
static ICON: LazyLock<File> = LazyLock::new(|| {
    File::new(
        "icon",
        "svg",
        "image/svg+xml",
        include_str!("../assets/icon.svg"),
    )
});

/// The path of the style sheet.
pub(crate) fn style() -> &'static str {
    &STYLE.path
}

/// The path of the script.
pub(crate) fn script() -> &'static str {
    &SCRIPT.path
}

/// The path of the icon.
pub(crate) fn icon() -> &'static str {
    &ICON.path
}

/// The paths of all assets, as the pages of this version name them.
pub fn asset_paths() -> [&'static str; 3] {
    [style(), script(), icon()]
}

/// The asset at `path`, such as `/tidegate/room-0123456789ab.css`.
///
/// While a deploy spreads, a page of one version may ask an isolate of another for its script: it
/// gets the one there is, not to be kept, since a room without its script would stand still.
pub fn asset(path: &str) -> Option<Asset> {
    let file = [&*STYLE, &*SCRIPT, &*ICON]
        .into_iter()
        .find(|file| file.answers_to(path))?;
    let cache_control = if file.path == path { FOREVER } else { NEVER };
    Some(Asset {
        content_type: file.content_type,
        cache_control,
        body: &file.body,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_asset_is_found_under_its_own_name_and_kept_for_a_year() {
        for path in asset_paths() {
            let found = asset(path).unwrap();
            assert_eq!(found.cache_control, FOREVER);
            assert!(!found.body.is_empty());
        }
        assert_eq!(
            asset(style()).unwrap().content_type,
            "text/css; charset=utf-8"
        );
        assert_eq!(
            asset(script()).unwrap().content_type,
            "text/javascript; charset=utf-8"
        );
        assert_eq!(asset(icon()).unwrap().content_type, "image/svg+xml");
    }

    #[test]
    fn a_name_holds_the_hash_of_its_content() {
        let hash = hex(&Hash::hash(STYLE.body.as_bytes()));
        assert_eq!(style(), format!("/tidegate/room-{}.css", &hash[..12]));
    }

    #[test]
    fn a_name_of_another_version_gets_the_present_content_uncached() {
        let found = asset("/tidegate/room-0123456789ab.js").unwrap();
        assert_eq!((found.cache_control, found.body), (NEVER, &*SCRIPT.body));
    }

    #[test]
    fn nothing_else_is_found() {
        for path in [
            "/tidegate/room.css",
            "/tidegate/room-.css",
            "/tidegate/room-0123456789ab.html",
            "/tidegate/other-0123456789ab.css",
            "/tidegate/room-../../etc/a.css",
            "/tidegate/room-0123456789abc.css",
            "/room-0123456789ab.css",
            "",
        ] {
            assert_eq!(asset(path), None, "{path}");
        }
    }
}
