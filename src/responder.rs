//! Responses out of answers.

use tidegate_core::edge::answer::{Answer, Body, common, of_documents};
use worker::{Headers, Response, ResponseBuilder, Result};

/// The response of an answer.
pub fn response(mut answer: Answer) -> Result<Response> {
    answer.complete();
    let headers = Headers::new();
    for (name, value) in &answer.headers {
        headers.append(name, value)?;
    }
    let response = ResponseBuilder::new()
        .with_status(answer.status)
        .with_headers(headers);
    Ok(match answer.body {
        Body::Text(text) => response.fixed(text.into_owned().into_bytes()),
        Body::Nothing | Body::Socket | Body::Shop => response.empty(),
    })
}

/// A response that another server made, with the headers that it lacks. What it said itself stays.
pub fn finished(response: Response, id: &str, is_https: bool) -> Result<Response> {
    // What came from a cache or the shop has headers that cannot be changed.
    let headers = response.headers().clone();
    let content_type = headers.get("content-type")?.unwrap_or_default();
    for (name, value) in common(is_https).chain(of_documents(&content_type).iter().copied()) {
        if !headers.has(name)? {
            headers.set(name, value)?;
        }
    }
    headers.set("x-request-id", id)?;
    Ok(response.with_headers(headers))
}
