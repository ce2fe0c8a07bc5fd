//! Where two documents differ that should say the same.

use serde::Serialize;
use serde_json::Value;

/// The places, such as `beacon.round`, where the two differ; in order.
pub fn differences<T: Serialize>(one: &T, other: &T) -> Vec<String> {
    let mut found = Vec::new();
    match (serde_json::to_value(one), serde_json::to_value(other)) {
        (Ok(one), Ok(other)) => compare("", &one, &other, &mut found),
        _ => found.push(String::from("what cannot be written as JSON")),
    }
    found
}

fn compare(place: &str, one: &Value, other: &Value, found: &mut Vec<String>) {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            for (name, value) in one {
                let place = below(place, name);
                compare(
                    &place,
                    value,
                    other.get(name).unwrap_or(&Value::Null),
                    found,
                );
            }
            let only_there = other.keys().filter(|name| !one.contains_key(*name));
            found.extend(only_there.map(|name| below(place, name)));
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (number, (one, other)) in one.iter().zip(other).enumerate() {
                compare(&format!("{place}[{number}]"), one, other, found);
            }
        }
        _ if one == other => {}
        _ => found.push(place.to_owned()),
    }
}

fn below(place: &str, name: &str) -> String {
    if place.is_empty() {
        name.to_owned()
    } else {
        format!("{place}.{name}")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_difference_is_named_by_where_it_is() {
        let one = json!({"a": 1, "b": {"c": [1, {"d": 2}]}, "e": [1], "f": null});
        assert!(differences(&one, &one).is_empty());
        let other = json!({"a": 2, "b": {"c": [1, {"d": 3}]}, "e": [1, 2], "f": {}, "g": 0});
        assert_eq!(differences(&one, &other), ["a", "b.c[1].d", "e", "f", "g"]);
    }
}
