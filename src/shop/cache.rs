//! The shop's pages in the data centre's cache.

use std::cell::RefCell;
use std::collections::VecDeque;

use futures::{StreamExt, stream};
use tidegate_core::UnixMillis;
use tidegate_core::problem::{Code, Problem};
use tidegate_core::shop::storing::{
    Answer, DEFAULT_CACHE_CONTROL, STORE_MAX_BYTES, entity_tag, fresh_seconds, none_match,
};
use worker::{Cache, Date, Headers, Response, ResponseBuilder, Result};

use super::{Answered, CACHE_HEADER, Failure};
use crate::site::Site;

/// How many personal pages an isolate remembers, and for how long, so as not to ask twice for each.
const PERSONAL_MAX: usize = 1_000;
const PERSONAL_MILLIS: u64 = 60_000;
/// Headers of an answer that belong to one connection or one body encoding.
const NOT_KEPT: [&str; 8] = [
    "connection",
    "content-encoding",
    "content-length",
    "keep-alive",
    "transfer-encoding",
    "date",
    "age",
    "set-cookie",
];
/// When a page was stored, and what browsers are told of it.
const STORED_AT: &str = "x-tidegate-stored-at";
const CACHE_CONTROL: &str = "x-tidegate-cache-control";

thread_local! {
    /// Addresses, and until when each counts.
    static PERSONAL: RefCell<VecDeque<(String, UnixMillis)>> = RefCell::default();
}

/// What became of an answer.
pub enum Outcome {
    /// It is in the cache now.
    Stored(Response),
    /// It may not be shared, or is too large to keep.
    NotStored(Response),
    /// It says of itself that it is one visitor's.
    Personal(Response),
}

/// Whether this page turned out to be personal a moment ago.
pub fn is_personal(site: &Site<'_>, key: &str) -> bool {
    let address = address(site, key);
    PERSONAL.with_borrow(|pages| {
        pages
            .iter()
            .any(|(page, until)| *until > site.now && *page == address)
    })
}

/// Notes that a page is personal.
pub fn note_personal(site: &Site<'_>, key: &str) {
    PERSONAL.with_borrow_mut(|pages| {
        pages.retain(|(_, until)| *until > site.now);
        if pages.len() >= PERSONAL_MAX {
            pages.pop_front();
        }
        pages.push_back((address(site, key), site.now.saturating_add(PERSONAL_MILLIS)));
    });
}

/// Finds a page. A cache that does not answer is a miss.
pub async fn find(site: &Site<'_>, key: &str) -> Option<Response> {
    Cache::default()
        .get(address(site, key), false)
        .await
        .ok()
        .flatten()
}

/// Stores an answer to a request without cookies, if it may be shared.
pub async fn store(
    site: &Site<'_>,
    key: &str,
    mut response: Response,
) -> std::result::Result<Outcome, Failure> {
    let headers = response.headers().clone();
    let (cache_control, vary) = (headers.get("cache-control")?, headers.get("vary")?);
    let answer = Answer {
        status: response.status_code(),
        cache_control: cache_control.as_deref(),
        vary: vary.as_deref(),
        sets_cookie: headers.has("set-cookie")?,
        has_older_words: headers.has("expires")? || headers.has("pragma")?,
        age_seconds: headers
            .get("age")?
            .and_then(|age| age.trim().parse().ok())
            .unwrap_or(0),
    };
    if answer.is_personal() {
        return Ok(Outcome::Personal(response));
    }
    let fresh = fresh_seconds(&answer);
    let announced: Option<usize> = headers
        .get("content-length")?
        .and_then(|length| length.parse().ok());
    let Some(fresh) = fresh.filter(|_| announced.is_none_or(|length| length <= STORE_MAX_BYTES))
    else {
        return Ok(Outcome::NotStored(response));
    };
    let kept = Headers::new();
    for (name, value) in headers.entries() {
        if !NOT_KEPT.contains(&name.to_lowercase().as_str()) && !name.starts_with("x-tidegate-") {
            kept.append(&name, &value)?;
        }
    }
    let read = read_bounded(&mut response).await.map_err(|_| broke_off())?;
    let body = match read {
        Ok(body) => body,
        Err(rest) => return Ok(Outcome::NotStored(rest.with_headers(kept))),
    };
    if !kept.has("etag")? {
        kept.set("etag", &entity_tag(&body))?;
    }
    let told = cache_control.unwrap_or_else(|| DEFAULT_CACHE_CONTROL.to_owned());
    kept.set(CACHE_CONTROL, &told)?;
    kept.set(STORED_AT, &Date::now().as_millis().to_string())?;
    kept.set("cache-control", &format!("max-age={fresh}"))?;
    let copy = ResponseBuilder::new()
        .with_headers(kept.clone())
        .fixed(body.clone());
    // Kept before it is answered: who waited for this page finds it.
    keep(address(site, key), copy).await;
    Ok(Outcome::Stored(
        ResponseBuilder::new().with_headers(kept).fixed(body),
    ))
}

/// Presents a stored page: to a browser that has it already, as 304.
pub fn present(site: &Site<'_>, response: Response, how: &str) -> Answered {
    let headers = response.headers().clone();
    let take = |name: &str| -> Result<Option<String>> {
        let value = headers.get(name)?;
        headers.delete(name)?;
        Ok(value)
    };
    if let Some(told) = take(CACHE_CONTROL)? {
        headers.set("cache-control", &told)?;
    }
    let stored_at = take(STORED_AT)?.and_then(|at| at.parse::<u64>().ok());
    let age = site.now.saturating_sub(stored_at.unwrap_or(site.now)) / 1000;
    headers.set("age", &age.to_string())?;
    headers.delete("cf-cache-status")?;
    headers.set(CACHE_HEADER, how)?;
    let tag = headers.get("etag")?.unwrap_or_default();
    if site
        .header("if-none-match")
        .is_some_and(|known| none_match(&known, &tag))
    {
        for name in ["content-type", "content-length"] {
            headers.delete(name)?;
        }
        return Ok(ResponseBuilder::new()
            .with_status(304)
            .with_headers(headers)
            .empty());
    }
    Ok(response.with_headers(headers))
}

fn broke_off() -> Failure {
    Failure::Problem(Problem::new(
        Code::ServiceUnavailable,
        "The shop's answer broke off; try again.",
    ))
}

/// The whole body, or, where it is larger than what is kept, the response anew.
async fn read_bounded(response: &mut Response) -> Result<std::result::Result<Vec<u8>, Response>> {
    let mut body = Vec::new();
    let mut stream = response.stream()?;
    while let Some(chunk) = stream.next().await {
        body.extend_from_slice(&chunk?);
        if body.len() > STORE_MAX_BYTES {
            let begun = stream::once(async move { Ok(body) });
            return Ok(Err(ResponseBuilder::new().from_stream(begun.chain(stream))?));
        }
    }
    Ok(Ok(body))
}

async fn keep(address: String, response: Response) {
    // A page that is not kept is fetched again.
    let _ = Cache::default().put(address, response).await;
}

/// Where a page lies in the cache: under the address that the visitor reached, scheme and port
/// included, for the shop is told of it; and at a path that the router answers with 404.
fn address(site: &Site<'_>, key: &str) -> String {
    format!("{}/tidegate/-/page{key}", site.origin())
}
