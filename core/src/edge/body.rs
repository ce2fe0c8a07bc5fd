//! Request bodies, parsed.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::request::BODY_MAX;
use crate::problem::{Code, Problem};
use crate::reading;

/// How deep JSON may nest. Nothing that is taken nests deeper than three.
const DEPTH_MAX: u32 = 16;

/// Reads JSON of one shape, or its default where the body is empty.
pub(super) fn typed<T: DeserializeOwned + Default>(body: &[u8]) -> Result<T, Problem> {
    if body.iter().all(u8::is_ascii_whitespace) {
        Ok(T::default())
    } else {
        read(&json(body)?)
    }
}

/// Reads one shape out of JSON; the refusal names the field.
pub(super) fn read<T: DeserializeOwned>(value: &Value) -> Result<T, Problem> {
    // A list would do for a struct, field by field in order.
    if !value.is_object() {
        return Err(Problem::validation("The body is a JSON object."));
    }
    reading::read(value)
}

/// Reads JSON of any shape.
pub(super) fn json(body: &[u8]) -> Result<Value, Problem> {
    let value = serde_json::from_slice(body)
        .map_err(|error| Problem::validation(format!("The body is not JSON: {error}.")))?;
    if is_deeper(&value, DEPTH_MAX) {
        return Err(Problem::validation(format!(
            "JSON nests at most {DEPTH_MAX} deep here."
        )));
    }
    Ok(value)
}

/// Whether a value nests deeper than that. The parser has bounded the recursion already.
fn is_deeper(value: &Value, depth: u32) -> bool {
    let Some(rest) = depth.checked_sub(1) else {
        return true;
    };
    match value {
        Value::Array(items) => items.iter().any(|item| is_deeper(item, rest)),
        Value::Object(fields) => fields.values().any(|field| is_deeper(field, rest)),
        _ => false,
    }
}

/// The refusal of a body that is too large.
pub(super) fn too_large() -> Problem {
    Problem::new(
        Code::PayloadTooLarge,
        format!("A request body has at most {BODY_MAX} bytes."),
    )
}
