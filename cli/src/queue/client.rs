//! One request and its reply, within a bounded time.

use core::error::Error;
use core::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response};
use serde::Deserialize;
use serde_json::Value;

use super::call::Request;
use super::edge::{AdminKey, Edge};
use crate::failure::Failure;

/// The longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest wait for the whole reply.
const TIMEOUT: Duration = Duration::from_secs(20);
/// The longest reply that is read.
const REPLY_MAX: usize = 4 * 1024 * 1024;

/// How the Worker answered.
pub enum Reply {
    /// As asked for.
    Done(Answer),
    /// With a problem.
    Refused(Refusal),
}

/// What the Worker says after it did what was asked for.
pub struct Answer {
    /// Whether something came to be that was not there.
    pub created: bool,
    /// The body as it came, with a line break at its end; may be empty.
    pub raw: String,
    /// The body's JSON, or null where it is empty.
    pub body: Value,
}

/// Why the Worker did not do it: RFC 9457, with Tidegate's fields.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refusal {
    /// The body as it came, with a line break at its end.
    #[serde(skip)]
    pub raw: String,
    code: String,
    detail: String,
    request_id: String,
    #[serde(default)]
    retry_after_seconds: Option<u64>,
}

impl Refusal {
    /// The refusal in words.
    pub fn into_failure(self, edge: &Edge, key: &AdminKey) -> Failure {
        let failure = Failure::failed(format!(
            "{} ({}, request {})",
            self.detail.trim_end_matches('.'),
            self.code,
            self.request_id
        ));
        match self.code.as_str() {
            "UNAUTHORIZED" => failure.remedy(format!(
                "{} is not among the ADMIN_KEYS of {}",
                key.source(),
                edge.name()
            )),
            "CONFLICT" if self.detail.contains("confirm=removal") => {
                failure.remedy("add --confirm-removal if it is to go")
            }
            "QUEUE_NOT_FOUND" => failure.remedy("those that exist:  tidegate queue list"),
            _ => match self.retry_after_seconds {
                Some(seconds) => failure.remedy(format!("try again in {seconds} s")),
                None => failure,
            },
        }
    }
}

/// Sends the request and reads the reply.
pub async fn send(edge: &Edge, key: &AdminKey, request: &Request) -> Result<Reply, Failure> {
    let url = edge.admin_url(&request.path, &request.query);
    let mut builder = client(edge)?
        .request(request.method.clone(), url)
        .header(AUTHORIZATION, key.authorization.clone());
    if let Some(body) = &request.body {
        // RFC 7396 has a media type of its own.
        let media_type = if request.method == Method::PATCH {
            "application/merge-patch+json"
        } else {
            "application/json"
        };
        builder = builder
            .header(CONTENT_TYPE, media_type)
            .body(body.to_string());
    }
    let response = builder
        .send()
        .await
        .map_err(|error| out_of_reach(edge, &error))?;
    read(edge, response).await
}

/// A client that follows no redirects, for the key is for this address alone, and that asks no
/// proxy for what is on this machine.
fn client(edge: &Edge) -> Result<Client, Failure> {
    let mut builder = Client::builder()
        .user_agent(concat!("tidegate/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TIMEOUT)
        .redirect(Policy::none());
    if edge.is_loopback() {
        builder = builder.no_proxy();
    }
    builder
        .build()
        .map_err(|error| Failure::failed(format!("cannot set up HTTP: {}", innermost(&error))))
}

async fn read(edge: &Edge, response: Response) -> Result<Reply, Failure> {
    let status = response.status();
    if status.is_redirection() {
        let to = response
            .headers()
            .get(LOCATION)
            .and_then(|to| to.to_str().ok());
        return Err(Failure::failed(format!(
            "{} sends on to {}",
            edge.name(),
            to.unwrap_or("somewhere else")
        ))
        .remedy("give --url the Worker's own address"));
    }
    let mut raw = read_body(edge, response).await?;
    if !raw.is_empty() && !raw.ends_with('\n') {
        raw.push('\n');
    }
    if status.is_success() {
        let body = if raw.is_empty() {
            Ok(Value::Null)
        } else {
            serde_json::from_str(&raw)
        };
        if let Ok(body) = body {
            let created = status.as_u16() == 201;
            return Ok(Reply::Done(Answer { created, raw, body }));
        }
    } else if let Ok(refusal) = serde_json::from_str::<Refusal>(&raw) {
        return Ok(Reply::Refused(Refusal { raw, ..refusal }));
    }
    Err(Failure::failed(format!(
        "{} answered {status}, and not as Tidegate does",
        edge.name()
    ))
    .remedy("is --url the address of the Worker, and is the Worker up?"))
}

async fn read_body(edge: &Edge, mut response: Response) -> Result<String, Failure> {
    let mut body = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| out_of_reach(edge, &error))?
    {
        if body.len().saturating_add(chunk.len()) > REPLY_MAX {
            return Err(Failure::failed(format!(
                "{} answered more than {REPLY_MAX} bytes",
                edge.name()
            )));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(String::from_utf8_lossy(&body).into_owned())
}

fn out_of_reach(edge: &Edge, error: &reqwest::Error) -> Failure {
    let name = edge.name();
    let failure = if error.is_timeout() && !error.is_connect() {
        Failure::failed(format!(
            "no answer from {name} within {} s",
            TIMEOUT.as_secs()
        ))
        .remedy("what was asked for may be done all the same: look before you ask again")
    } else {
        Failure::failed(format!("cannot reach {name}: {}", innermost(error)))
    };
    if error.is_connect() && edge.is_loopback() {
        failure.remedy("start it with scripts/dev, or name another address with --url")
    } else {
        failure
    }
}

/// The cause of all: reqwest's own texts repeat the URL.
fn innermost(error: &reqwest::Error) -> String {
    let mut innermost: &dyn Error = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    innermost.to_string()
}
