//! Reads a shape out of JSON that a caller sent; the refusal names the field that is wrong.

mod unknown;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::problem::Problem;

pub use unknown::take_unknown;

/// How many fields are looked at for the one that is wrong: more than any shape here has.
const FIELDS_MAX: usize = 64;

/// Reads a `T` out of an object.
pub fn read<T: DeserializeOwned>(value: &Value) -> Result<T, Problem> {
    T::deserialize(value).map_err(|error| {
        let cause = error.to_string();
        let place =
            culprit::<T>(value, &cause).map_or_else(String::new, |name| format!("{name}: "));
        Problem::validation(format!("{place}{cause}"))
    })
}

/// Reads a shape out of a text that Tidegate wrote, or its operator. By way of a [`Value`] as
/// well: a second way to read each shape would be kilobytes of the Worker.
pub fn parse<T: DeserializeOwned>(text: &str) -> serde_json::Result<T> {
    let value: Value = serde_json::from_slice(text.as_bytes())?;
    T::deserialize(&value)
}

/// The field that fails by itself as the whole does. Each is read once more, alone: a refusal costs
/// no more than twice what the reading did.
fn culprit<'a, T: DeserializeOwned>(value: &'a Value, cause: &str) -> Option<&'a str> {
    let fails = |fields| {
        let read = T::deserialize(&Value::Object(fields));
        read.err().map(|error| error.to_string())
    };
    // These name a field themselves, and only where it is one within a field is there more to say.
    let names_itself = cause.starts_with("missing field") || cause.starts_with("unknown field");
    if names_itself && fails(Map::new()).as_deref() == Some(cause) {
        return None;
    }
    let fields = value.as_object()?.iter().take(FIELDS_MAX);
    let suspects = fields.filter(|(name, value)| {
        let has_fields = value.is_object() || value.is_array();
        let is_named = cause.starts_with(&format!("unknown field `{name}`"));
        !names_itself || (has_fields && !is_named)
    });
    let mut suspects = suspects.map(|(name, value)| (name.as_str(), value));
    let found = suspects.find(|(name, value)| {
        let alone = Map::from_iter([((*name).to_owned(), (*value).clone())]);
        fails(alone).as_deref() == Some(cause)
    });
    found.map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct Shape {
        count: u32,
        name: String,
        #[serde(default)]
        list: Vec<u32>,
        #[serde(default)]
        inner: Option<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only read")]
    struct Inner {
        path: String,
    }

    fn refusal(value: &Value) -> String {
        read::<Shape>(value).unwrap_err().detail
    }

    #[test]
    fn a_refusal_names_the_field() {
        let wrong = json!({"count": "many", "name": "a"});
        assert!(
            refusal(&wrong).starts_with("count: invalid type"),
            "{}",
            refusal(&wrong)
        );
        let wrong = json!({"count": 1, "name": "a", "list": [1, "two"]});
        assert!(
            refusal(&wrong).starts_with("list: invalid type"),
            "{}",
            refusal(&wrong)
        );
        assert_eq!(refusal(&json!({"count": 1})), "missing field `name`");
        let within = json!({"count": 1, "name": "a", "inner": {}});
        assert_eq!(refusal(&within), "inner: missing field `path`");
        let unknown = refusal(&json!({"count": 1, "name": "a", "other": 1}));
        assert!(unknown.starts_with("unknown field `other`"), "{unknown}");
    }
    thread_local! {
        static READ: core::cell::Cell<u32> = const { core::cell::Cell::new(0) };
    }

    /// Counts how often it is read.
    #[derive(Debug)]
    struct Counted;

    impl<'de> Deserialize<'de> for Counted {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            READ.set(READ.get().saturating_add(1));
            u32::deserialize(deserializer).map(|_| Self)
        }
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct Costly {
        a: Vec<Counted>,
        b: Vec<Counted>,
        c: u32,
        #[serde(default)]
        d: Vec<Counted>,
    }

    #[test]
    fn a_refusal_reads_nothing_more_than_twice() {
        let many = || vec![1; 1_000];
        for (c, d) in [(json!("three"), json!([])), (json!(3), json!([1, "two"]))] {
            READ.set(0);
            let value = json!({"a": many(), "b": many(), "c": c, "d": d});
            assert!(read::<Costly>(&value).is_err());
            assert!(READ.get() <= 4_010, "{} of 2,000 were read", READ.get());
        }
    }

    #[test]
    fn of_two_fields_with_one_fault_the_first_is_named() {
        let wrong = json!({"count": 1, "name": "a", "list": ["x"], "inner": {"path": 7}});
        assert!(
            refusal(&wrong).starts_with("inner: "),
            "{}",
            refusal(&wrong)
        );
        let unknown = refusal(&json!({"count": 1, "name": "a", "other": {"a": 1}}));
        assert!(unknown.starts_with("unknown field `other`"), "{unknown}");
        assert_eq!(
            refusal(&json!({"name": "a", "list": [1]})),
            "missing field `count`"
        );
    }
}
