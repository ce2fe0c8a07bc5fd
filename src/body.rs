//! Request bodies: bounded, then parsed.

use futures::StreamExt;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tidegate_core::problem::{Code, Problem};
use tidegate_core::reading;
use worker::{Headers, Request};

/// The largest body that Tidegate's own calls take.
const BODY_MAX: usize = 16 * 1024;
/// How deep JSON may nest. Nothing that is taken nests deeper than three.
const DEPTH_MAX: u32 = 16;

/// Whether the headers announce a body that is too large; one need not be read to be refused.
pub fn announces_too_much(headers: &Headers) -> bool {
    let announced = headers.get("content-length").ok().flatten();
    announced.is_some_and(|length| {
        length
            .parse::<usize>()
            .is_ok_and(|length| length > BODY_MAX)
    })
}

/// Reads the body, as long as it is not too large.
pub async fn bytes(request: &mut Request) -> Result<Vec<u8>, Problem> {
    if announces_too_much(request.headers()) {
        return Err(too_large());
    }
    let mut body = Vec::new();
    // No stream means no body.
    let Ok(mut stream) = request.stream() else {
        return Ok(body);
    };
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| Problem::validation("The request body broke off."))?;
        if body.len().saturating_add(chunk.len()) > BODY_MAX {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Reads JSON of any shape.
pub async fn json(request: &mut Request) -> Result<Value, Problem> {
    parse(&bytes(request).await?)
}

/// Reads JSON of one shape, or its default where the body is empty.
pub async fn typed<T: DeserializeOwned + Default>(request: &mut Request) -> Result<T, Problem> {
    typed_in(&bytes(request).await?)
}

/// The same of a body that is here already.
pub fn typed_in<T: DeserializeOwned + Default>(body: &[u8]) -> Result<T, Problem> {
    if body.iter().all(u8::is_ascii_whitespace) {
        Ok(T::default())
    } else {
        read(&parse(body)?)
    }
}

/// Reads one shape out of JSON; the refusal names the field.
pub fn read<T: DeserializeOwned>(value: &Value) -> Result<T, Problem> {
    // A list would do for a struct, field by field in order.
    if !value.is_object() {
        return Err(Problem::validation("The body is a JSON object."));
    }
    reading::read(value)
}

fn parse(body: &[u8]) -> Result<Value, Problem> {
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

/// The refusal of such a body.
pub fn too_large() -> Problem {
    Problem::new(
        Code::PayloadTooLarge,
        format!("A request body has at most {BODY_MAX} bytes."),
    )
}
