//! Reads a shape out of JSON that a caller sent; the refusal names the field that is wrong.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::problem::Problem;

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

/// Reads a shape out of a text that Tidegate wrote, or whoever runs it. By way of a [`Value`] as well:
/// a second way to read each shape would be kilobytes of the Worker.
pub fn parse<T: DeserializeOwned>(text: &str) -> serde_json::Result<T> {
    let value: Value = serde_json::from_slice(text.as_bytes())?;
    T::deserialize(&value)
}

/// The field without which reading fails in another way, or not at all.
fn culprit<'a, T: DeserializeOwned>(value: &'a Value, cause: &str) -> Option<&'a str> {
    // These name a field themselves, and only where it is one within a field is there more to say.
    let names_itself = cause.starts_with("missing field") || cause.starts_with("unknown field");
    let fields = value.as_object()?;
    let suspects = fields
        .iter()
        .take(FIELDS_MAX)
        .filter(|(_, value)| !names_itself || value.is_object() || value.is_array());
    suspects.map(|(name, _)| name.as_str()).find(|name| {
        let mut others = fields.clone();
        others.remove(*name);
        T::deserialize(&Value::Object(others))
            .map_or_else(|error| error.to_string() != cause, |_| true)
    })
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
}
