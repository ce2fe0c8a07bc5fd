//! The file of secrets: a JSON object of names and texts, readable by its owner alone, and written
//! whole or not at all.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};
use tempfile::NamedTempFile;

use crate::failure::Failure;
use crate::input;

/// The largest file that is read. Cloudflare takes 5 KiB a secret.
const FILE_MAX: u64 = 1024 * 1024;

/// A deployment's secrets by name. Those that are not Tidegate's are kept as they are.
pub struct Secrets(Map<String, Value>);

impl Secrets {
    /// A set of these secrets.
    pub fn from_pairs<const N: usize>(pairs: [(&str, String); N]) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(name, value)| (name.to_owned(), Value::String(value)))
                .collect(),
        )
    }

    /// Reads the file at `path`.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let name = path.display();
        let text = input::file(path, FILE_MAX)?;
        match serde_json::from_str(&text) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            // serde's messages quote what they stumble on, which may be a secret.
            _ => Err(
                Failure::failed(format!("{name} is not a JSON object of secrets"))
                    .remedy("\"tidegate keys new\" makes one; NAME=value lines are not read here"),
            ),
        }
    }

    /// The secret `name`.
    pub fn secret(&self, name: &str, path: &Path) -> Result<&str, Failure> {
        let file = path.display();
        match self.0.get(name) {
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(Failure::failed(format!("{name} in {file} is not a string"))
                .remedy("its value is the JSON list as one string: \"[{\\\"kid\\\":…}]\"")),
            None => Err(Failure::failed(format!("{file} holds no {name}"))
                .remedy("use the file that the Worker's secrets were set from")),
        }
    }

    /// The text of the secret `name`, if there is one.
    pub fn find(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// Sets the secret `name`.
    pub fn set(&mut self, name: &str, text: String) {
        self.0.insert(name.to_owned(), Value::String(text));
    }

    /// The file's text.
    pub fn to_text(&self) -> Result<String, Failure> {
        serde_json::to_string_pretty(&self.0)
            .map(|text| text + "\n")
            .map_err(|error| Failure::failed(format!("cannot write the secrets as JSON: {error}")))
    }

    /// Makes the file at `path`, where there is none.
    pub fn create(&self, path: &Path) -> Result<(), Failure> {
        let file = self.beside(path)?;
        file.persist_noclobber(path).map_err(|error| {
            let error = error.error;
            if error.kind() == std::io::ErrorKind::AlreadyExists {
                Failure::failed(format!("{} exists, and is not overwritten", path.display()))
                    .remedy("to replace keys in it:  tidegate keys rotate")
                    .remedy("to begin anew:          give --output another name")
            } else {
                cannot_write(path, &error)
            }
        })?;
        Ok(())
    }

    /// Replaces the file at `path`.
    pub fn replace(&self, path: &Path) -> Result<(), Failure> {
        // A link is followed: the file that it leads to is the one to replace.
        let path = path
            .canonicalize()
            .map_err(|error| cannot_write(path, &error))?;
        let file = self.beside(&path)?;
        file.persist(&path)
            .map_err(|error| cannot_write(&path, &error.error))?;
        Ok(())
    }

    /// The text in a new file in the folder of `path`, which only its owner may read.
    fn beside(&self, path: &Path) -> Result<NamedTempFile, Failure> {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        let text = self.to_text()?;
        let written = || {
            let mut file = tempfile::Builder::new()
                .prefix(".tidegate-")
                .tempfile_in(folder)?;
            file.write_all(text.as_bytes())?;
            file.as_file().sync_all()?;
            Ok(file)
        };
        written().map_err(|error| cannot_write(path, &error))
    }
}

/// The first of the `ADMIN_KEYS` in the text of a file of secrets.
pub fn first_admin_key(text: &str) -> Option<String> {
    first_key(text, "ADMIN_KEYS")
}

/// The first of the `ORIGIN_KEYS` in the text of a file of secrets.
pub fn first_origin_key(text: &str) -> Option<String> {
    first_key(text, "ORIGIN_KEYS")
}

fn first_key(text: &str, name: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Entry {
        key: String,
    }
    let file: Value = serde_json::from_str(text).ok()?;
    let entries: Vec<Entry> = serde_json::from_str(file.get(name)?.as_str()?).ok()?;
    entries.into_iter().next().map(|entry| entry.key)
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    Failure::failed(format!("cannot write {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_that_let_in_are_found_in_a_file_of_secrets() {
        let text = r#"{"ORIGIN_KEYS":"[{\"name\":\"o\",\"key\":\"k3\"}]","ADMIN_KEYS":"[{\"name\":\"a\",\"key\":\"k1\"},{\"name\":\"b\",\"key\":\"k2\"}]"}"#;
        assert_eq!(first_admin_key(text).as_deref(), Some("k1"));
        assert_eq!(first_origin_key(text).as_deref(), Some("k3"));
        for other in ["{}", "k1", r#"{"ADMIN_KEYS":"[]"}"#, r#"{"ADMIN_KEYS":[]}"#] {
            assert_eq!(first_admin_key(other), None, "{other}");
        }
    }
}
