//! Queue configurations from `--set key=value…` or from a file. Which fields exist and what they
//! may hold is the Worker's to say.

use core::str::FromStr;
use std::path::Path;

use serde_json::map::Entry;
use serde_json::{Map, Value};

use super::args::Source;
use crate::failure::Failure;
use crate::{input, time};

/// The largest body that the Worker takes.
const CONFIG_MAX: u64 = 16 * 1024;

/// One `key=value`; a key `product.name` is the field `name` of the object `product`.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    path: Vec<String>,
    value: Value,
}

impl FromStr for Setting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (key, value) = text.split_once('=').ok_or_else(|| {
            String::from(
                "it is not KEY=VALUE, such as maxActive=50 (a queue's id stands before --set)",
            )
        })?;
        let path: Vec<String> = key.split('.').map(str::to_owned).collect();
        if path.iter().any(String::is_empty) {
            return Err(String::from("a part of its key is empty"));
        }
        let value = if key.ends_with("At") {
            time(value).ok_or_else(|| {
                String::from(
                    "it is no time: write 2026-11-20T18:00:00Z, Unix milliseconds, or null",
                )
            })?
        } else {
            serde_json::from_str(value).unwrap_or_else(|_| Value::from(value))
        };
        Ok(Self { path, value })
    }
}

fn time(text: &str) -> Option<Value> {
    match serde_json::from_str(text) {
        Ok(value @ (Value::Null | Value::Number(_))) => Some(value),
        _ => time::parse(text).map(Value::from),
    }
}

/// The configuration, or the part of one, that `source` names.
pub fn read(source: &Source) -> Result<Value, Failure> {
    match &source.config {
        Some(path) => read_file(path),
        None => join(&source.set).map(Value::Object),
    }
}

fn read_file(path: &Path) -> Result<Value, Failure> {
    let name = path.display();
    let text = input::file_or_stdin(path, CONFIG_MAX)?;
    match serde_json::from_str(&text) {
        Ok(config @ Value::Object(_)) => Ok(config),
        Ok(_) => Err(Failure::failed(format!("{name} is not a JSON object"))),
        Err(error) => Err(Failure::failed(format!("{name} is not JSON: {error}"))),
    }
}

/// The fields that `settings` name, together.
pub fn join(settings: &[Setting]) -> Result<Map<String, Value>, Failure> {
    let mut config = Map::new();
    for setting in settings {
        if !insert(&mut config, &setting.path, &setting.value) {
            return Err(Failure::usage(format!(
                "--set names {} twice, or both it and a part of it",
                setting.path.join(".")
            )));
        }
    }
    Ok(config)
}

/// Whether there was room for it.
fn insert(fields: &mut Map<String, Value>, path: &[String], value: &Value) -> bool {
    match path {
        [] => false,
        [field] => match fields.entry(field) {
            Entry::Vacant(entry) => {
                entry.insert(value.clone());
                true
            }
            Entry::Occupied(_) => false,
        },
        [field, rest @ ..] => match fields.entry(field).or_insert_with(|| Map::new().into()) {
            Value::Object(inner) => insert(inner, rest, value),
            _ => false,
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn joined(texts: &[&str]) -> Option<Value> {
        let settings: Vec<Setting> = texts.iter().map(|text| text.parse().unwrap()).collect();
        join(&settings).ok().map(Value::Object)
    }

    #[test]
    fn values_are_json_where_they_read_as_json() {
        assert_eq!(
            joined(&[
                "maxActive=50",
                "closesAt=null",
                "checkoutUrl=https://shop.example/pay?a=b",
                "allowedOrigins=[\"https://shop.example\"]",
                "audience=",
                "product.name=Tide Lamp",
                "product.path=/lamp",
            ]),
            Some(json!({
                "maxActive": 50,
                "closesAt": null,
                "checkoutUrl": "https://shop.example/pay?a=b",
                "allowedOrigins": ["https://shop.example"],
                "audience": "",
                "product": {"name": "Tide Lamp", "path": "/lamp"},
            }))
        );
    }

    #[test]
    fn a_time_may_be_written_for_people() {
        assert_eq!(
            joined(&[
                "opensAt=2026-11-20T19:00:00+01:00",
                "closesAt=1795197600000"
            ]),
            Some(json!({"opensAt": 1_795_197_600_000_u64, "closesAt": 1_795_197_600_000_u64}))
        );
        for bad in [
            "opensAt=tomorrow",
            "opensAt=",
            "opensAt=\"2026\"",
            "opensAt=true",
        ] {
            assert!(bad.parse::<Setting>().is_err(), "{bad}");
        }
    }

    #[test]
    fn nothing_is_set_twice() {
        for twice in [
            ["lanes=1", "lanes=2"],
            ["product=null", "product.name=x"],
            ["product.name=x", "product={}"],
        ] {
            assert_eq!(joined(&twice), None, "{twice:?}");
        }
    }

    #[test]
    fn what_is_no_setting_is_refused() {
        for bad in ["demo", "=1", "product.=1", ".name=1", ""] {
            assert!(bad.parse::<Setting>().is_err(), "{bad}");
        }
    }
}
