//! Reading files and stdin, up to a size.

use std::fs::File;
use std::io::{Read, stdin};
use std::path::Path;

use crate::failure::Failure;

/// Reads a text file of at most `max` bytes.
pub fn file(path: &Path, max: u64) -> Result<String, Failure> {
    let name = path.display().to_string();
    let file = File::open(path)
        .map_err(|error| Failure::failed(format!("cannot read {name}: {error}")))?;
    text(file, &name, max)
}

/// Reads a text file of at most `max` bytes, or stdin where `path` is `-`.
pub fn file_or_stdin(path: &Path, max: u64) -> Result<String, Failure> {
    if path == Path::new("-") {
        text(stdin().lock(), "stdin", max)
    } else {
        file(path, max)
    }
}

fn text(source: impl Read, name: &str, max: u64) -> Result<String, Failure> {
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
    String::from_utf8(bytes).map_err(|_| Failure::failed(format!("{name} is not UTF-8 text")))
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
