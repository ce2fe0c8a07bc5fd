//! Reading files and stdin, up to a size.

use std::fs::File;
use std::io::{Read, stdin};
use std::path::Path;

use crate::failure::Failure;

/// Reads a text file of at most `max` bytes.
pub fn file(path: &Path, max: u64) -> Result<String, Failure> {
    let name = path.display().to_string();
    text(open(path, &name)?, &name, max)
}

/// Reads a text file of at most `max` bytes, or stdin where `path` is `-`.
pub fn file_or_stdin(path: &Path, max: u64) -> Result<String, Failure> {
    if path == Path::new("-") {
        text(stdin().lock(), "stdin", max)
    } else {
        file(path, max)
    }
}

/// Reads a file of at most `max` bytes, or stdin where `path` is `-`, whatever the bytes are.
pub fn bytes_or_stdin(path: &Path, max: u64) -> Result<Vec<u8>, Failure> {
    if path == Path::new("-") {
        return bytes(stdin().lock(), "stdin", max);
    }
    let name = path.display().to_string();
    bytes(open(path, &name)?, &name, max)
}

fn open(path: &Path, name: &str) -> Result<File, Failure> {
    File::open(path).map_err(|error| Failure::failed(format!("cannot read {name}: {error}")))
}

fn text(source: impl Read, name: &str, max: u64) -> Result<String, Failure> {
    String::from_utf8(bytes(source, name, max)?)
        .map_err(|_| Failure::failed(format!("{name} is not UTF-8 text")))
}

fn bytes(source: impl Read, name: &str, max: u64) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    source
        .take(max.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::failed(format!("cannot read {name}: {error}")))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > max) {
        return Err(Failure::failed(format!(
            "{name} is too large: at most {max} bytes are read here"
        )));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_byte_too_many_is_refused_and_not_cut_off() {
        assert_eq!(text(&b"abc"[..], "x", 3).unwrap(), "abc");
        assert!(text(&b"abcd"[..], "x", 3).is_err());
        assert!(text(&b"\xff"[..], "x", 3).is_err());
    }
}
