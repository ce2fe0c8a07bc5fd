//! Writes every state of the pages, and their assets, into a folder, for looking at:
//!
//! ```text
//! cargo run -p tidegate-pages --example preview -- DIR
//! python3 -m http.server --directory DIR --bind 127.0.0.1 8000
//! ```

use std::fmt::Write;
use std::path::Path;
use std::{env, fs, io};

use tidegate_pages::{asset, asset_paths, content_security_policy};

#[allow(
    dead_code,
    clippy::unwrap_used,
    reason = "shared with the tests, which use more of it"
)]
#[path = "../tests/fixture/mod.rs"]
mod fixture;

fn main() -> Result<(), Box<dyn core::error::Error>> {
    let folder = env::args().nth(1).ok_or("say where to: preview DIR")?;
    let folder = Path::new(&folder);
    fs::create_dir_all(folder.join("tidegate"))?;
    for path in asset_paths() {
        let found = asset(path).ok_or("an asset is missing")?;
        fs::write(folder.join(path.trim_start_matches('/')), found.body)?;
    }
    fs::write(folder.join("policy.txt"), content_security_policy(None))?;
    let mut index = String::from("<!doctype html><title>Tidegate pages</title><ul>");
    for (name, html) in fixture::rooms()?.into_iter().chain(fixture::problems()?) {
        fs::write(folder.join(format!("{name}.html")), html)?;
        write!(index, "<li><a href={name}.html>{name}</a>")?;
    }
    fs::write(folder.join("index.html"), index).map_err(io::Error::into)
}
