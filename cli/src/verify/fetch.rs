//! Reading from a deployment, bounded in size, time and redirects. Nothing secret is sent.

use core::error::Error;
use core::time::Duration;

use reqwest::header::RETRY_AFTER;
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, Response, StatusCode};
use serde::Deserialize;
use tidegate_core::address::is_loopback;
use tokio::time::sleep;
use url::Url;

use crate::failure::Failure;

/// The longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest wait for one reply.
const REPLY_TIMEOUT: Duration = Duration::from_mins(1);
const REDIRECTS_MAX: usize = 3;
/// So often is asked again where the deployment is busy.
const TRIES: u32 = 5;
/// The longest wait before asking again, whatever the deployment says.
const RETRY_SECONDS_MAX: u64 = 20;
/// The most that is read of a refusal.
const REFUSAL_MAX: usize = 64 * 1024;

/// Why something is not there.
pub enum Fault {
    /// It was asked for, and the answer was another.
    Refused(String),
    /// Nobody answered, or not to the end.
    Unreachable(String),
}

impl Fault {
    /// What happened.
    pub fn into_text(self) -> String {
        match self {
            Self::Refused(text) | Self::Unreachable(text) => text,
        }
    }
}

/// Reads addresses of one deployment.
pub struct Fetcher {
    client: Client,
}

/// An address, if it is one: https, or http on this machine. `None` where the word is no address at
/// all.
pub fn address(word: &str) -> Option<Result<Url, Failure>> {
    if !word.starts_with("https://") && !word.starts_with("http://") {
        return None;
    }
    let unusable = |why: &str| Failure::usage(format!("\"{word}\" {why}"));
    Some(match Url::parse(word) {
        Err(error) => Err(unusable(&format!("is no address: {error}"))),
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            Err(unusable("has a user name, and an audit needs none"))
        }
        Ok(url) if url.scheme() == "http" && !is_loopback(&url) => Err(unusable(
            "is not https: on the way anybody could change the answer and the keys",
        )
        .remedy("use https; http is for this machine only")),
        Ok(url) => Ok(url),
    })
}

impl Fetcher {
    /// For addresses like `url`: what is on this machine is asked through no proxy.
    pub fn new(url: &Url) -> Result<Self, Failure> {
        let mut builder = Client::builder()
            .user_agent(concat!("tidegate/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REPLY_TIMEOUT)
            .redirect(Policy::custom(redirect));
        if is_loopback(url) {
            builder = builder.no_proxy();
        }
        let client = builder
            .build()
            .map_err(|error| Failure::usage(format!("cannot set up HTTP: {}", cause(&error))))?;
        Ok(Self { client })
    }

    /// What is at `url`, of at most `max` bytes. Asks again where the deployment is busy.
    pub async fn get(&self, url: &Url, max: usize) -> Result<Vec<u8>, Fault> {
        for tried in 1.. {
            let response = self
                .client
                .get(url.clone())
                .send()
                .await
                .map_err(|error| unreachable_at(url, &error))?;
            let status = response.status();
            if status == StatusCode::OK {
                return body(url, response, max).await;
            }
            let busy = matches!(
                status,
                StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
            );
            if !busy || tried >= TRIES {
                return Err(refused(url, response).await);
            }
            sleep(Duration::from_secs(retry_seconds(&response))).await;
        }
        Err(Fault::Refused(format!("{url} is busy")))
    }
}

fn redirect(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let secure = |url: &Url| url.scheme() == "https";
    if attempt.previous().len() > REDIRECTS_MAX {
        attempt.error("it sends on and on")
    } else if attempt.previous().first().is_some_and(secure) && !secure(attempt.url()) {
        attempt.error("it sends on to an address that is not https")
    } else {
        attempt.follow()
    }
}

fn retry_seconds(response: &Response) -> u64 {
    response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .unwrap_or(1)
        .clamp(1, RETRY_SECONDS_MAX)
}

async fn body(url: &Url, mut response: Response, max: usize) -> Result<Vec<u8>, Fault> {
    let mut body = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| unreachable_at(url, &error))?
    {
        if body.len().saturating_add(chunk.len()) > max {
            return Err(Fault::Unreachable(format!(
                "{url} answered more than {max} bytes"
            )));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// RFC 9457, as far as it is told on.
#[derive(Deserialize)]
struct Problem {
    code: String,
    detail: String,
}

async fn refused(url: &Url, response: Response) -> Fault {
    let status = response.status();
    let problem = body(url, response, REFUSAL_MAX)
        .await
        .ok()
        .and_then(|body| serde_json::from_slice::<Problem>(&body).ok());
    Fault::Refused(match problem {
        Some(Problem { code, detail }) => {
            format!("{url} answered {}: {detail} ({code})", status.as_u16())
        }
        None => format!("{url} answered {status}"),
    })
}

fn unreachable_at(url: &Url, error: &reqwest::Error) -> Fault {
    Fault::Unreachable(if error.is_timeout() && !error.is_connect() {
        format!("no answer from {url} within {} s", REPLY_TIMEOUT.as_secs())
    } else {
        format!("cannot read {url}: {}", cause(error))
    })
}

/// The cause of all: the outer texts repeat the URL.
fn cause(error: &reqwest::Error) -> String {
    let mut innermost: &dyn Error = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_that_nobody_can_change_on_the_way() {
        for file in ["audit.json", "-", "ftp://a.example/x", "https"] {
            assert!(address(file).is_none(), "{file}");
        }
        for good in [
            "https://a.example/x",
            "http://127.0.0.1:1/x",
            "http://[::1]/x",
            "http://localhost/",
        ] {
            assert!(address(good).is_some_and(|read| read.is_ok()), "{good}");
        }
        for bad in [
            "http://a.example/",
            "https://u@a.example/",
            "https://",
            "http://localhost.a.example/",
        ] {
            assert!(address(bad).is_some_and(|read| read.is_err()), "{bad}");
        }
    }
}
