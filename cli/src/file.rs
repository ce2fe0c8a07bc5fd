//! Writing a file that a command was asked for: looked at before a long run, written after it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::Path;

use crate::failure::Failure;

/// Checks that a file can be written here, before time is spent on what is to stand in it. What is
/// there stays as it is, and what is not there is not left behind.
pub fn check_writable(path: &Path) -> Result<(), Failure> {
    let checked = match fs::metadata(path) {
        Ok(found) if found.is_file() || found.is_dir() => {
            OpenOptions::new().append(true).open(path).map(drop)
        }
        // The reader of a pipe would take a first look for the whole.
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => try_out(path),
        Err(error) => Err(error),
    };
    checked.map_err(|error| {
        Failure::usage(cannot_write(path, &error)).remedy("name a file that can be written")
    })
}

fn try_out(path: &Path) -> io::Result<()> {
    match File::create_new(path) {
        Ok(_) => fs::remove_file(path),
        // A link that leads to nothing yet.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Writes the file. `reply` is what goes to stdout all the same where it cannot be written.
pub fn write(path: &Path, text: &str, reply: impl FnOnce() -> String) -> Result<(), Failure> {
    fs::write(path, text)
        .map_err(|error| Failure::failed(cannot_write(path, &error)).with_reply(reply()))
}

fn cannot_write(path: &Path, error: &io::Error) -> String {
    format!("cannot write {}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("waits.svg");
        check_writable(&path).unwrap();
        assert!(!path.exists());
        fs::write(&path, "before").unwrap();
        check_writable(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "before");
    }

    #[test]
    fn a_folder_and_what_is_in_none_are_no_files_to_write() {
        let folder = tempfile::tempdir().unwrap();
        for path in [
            folder.path().to_owned(),
            folder.path().join("none/waits.svg"),
        ] {
            let failure = check_writable(&path).unwrap_err();
            let named = failure.message().contains(&path.display().to_string());
            assert!(named, "{}", failure.message());
        }
    }
}
