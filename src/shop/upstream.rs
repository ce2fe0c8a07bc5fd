//! Requests to the merchant's origin, and what of its answers must not come back as it is.

use tidegate_core::problem::{Code, Problem};
use url::Url;
use worker::{
    Fetch, Headers, Request, RequestInit, RequestRedirect, Response, Result, console_error,
};

use crate::answer::Failure;
use crate::site::Site;

/// Prefix of the cookies and headers that are between the shopper and Tidegate alone.
const OWN_COOKIE: &str = "__Host-tidegate-";
const OWN_HEADER: &str = "x-tidegate-";

/// Fetches a page as anybody would see it.
pub async fn fetch_public(site: &Site) -> std::result::Result<Response, Failure> {
    let headers = Headers::new();
    // What decides which page comes back is the address alone.
    for name in ["accept", "user-agent"] {
        if let Some(value) = site.header(name) {
            headers.set(name, &value)?;
        }
    }
    forwarded(site, &headers)?;
    let mut init = RequestInit::new();
    init.with_headers(headers)
        .with_redirect(RequestRedirect::Manual);
    send(
        site,
        &Request::new_with_init(address(site)?.as_str(), &init)?,
    )
    .await
}

/// Passes a request through as it came.
pub async fn pass(site: &Site, request: Request) -> std::result::Result<Response, Failure> {
    let headers = Headers::new();
    for (name, value) in site.headers.entries() {
        let lower = name.to_lowercase();
        if lower == "cookie" {
            if let Some(cookies) = others_cookies(&value) {
                headers.set("cookie", &cookies)?;
            }
        } else if lower != "host" && !lower.starts_with(OWN_HEADER) {
            headers.append(&name, &value)?;
        }
    }
    forwarded(site, &headers)?;
    let mut init = RequestInit::new();
    init.with_method(site.method.clone())
        .with_headers(headers)
        .with_redirect(RequestRedirect::Manual)
        .with_body(request.inner().body().map(Into::into));
    send(
        site,
        &Request::new_with_init(address(site)?.as_str(), &init)?,
    )
    .await
}

async fn send(site: &Site, request: &Request) -> std::result::Result<Response, Failure> {
    let response = Fetch::Request(request.clone()?)
        .send()
        .await
        .map_err(|error| {
            console_error!("request {}: shop: {error}", site.request_id);
            Failure::Shop(Problem::new(
                Code::ServiceUnavailable,
                "The shop does not answer; try again.",
            ))
        })?;
    // What comes from fetch has headers that cannot be changed.
    let headers = response.headers().clone();
    if let Some(location) = headers.get("location")?
        && let Some(local) = local_address(site, &location)
    {
        headers.set("location", &local)?;
    }
    Ok(response.with_headers(headers))
}

/// The address at the origin of the page that was asked for.
fn address(site: &Site) -> std::result::Result<Url, Failure> {
    let base = site
        .var("ORIGIN_URL")
        .and_then(|text| Url::parse(&text).ok())
        .ok_or_else(|| {
            Problem::new(
                Code::ServiceUnavailable,
                "ORIGIN_URL is not the URL of a shop; set it under [vars] in wrangler.toml.",
            )
        })?;
    let mut address = base;
    address.set_path(site.url.path());
    address.set_query(site.url.query());
    Ok(address)
}

/// A redirect to the shop's own address leads through the edge again.
fn local_address(site: &Site, location: &str) -> Option<String> {
    let base = Url::parse(&site.var("ORIGIN_URL")?).ok()?;
    let target = base.join(location).ok()?;
    if target.origin() != base.origin() || !location.contains("://") {
        return None;
    }
    let query = target
        .query()
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    let fragment = target
        .fragment()
        .map(|fragment| format!("#{fragment}"))
        .unwrap_or_default();
    Some(format!("{}{query}{fragment}", target.path()))
}

fn forwarded(site: &Site, headers: &Headers) -> Result<()> {
    let host = site.url.host_str().unwrap_or_default();
    let host = site
        .url
        .port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    headers.set("x-forwarded-host", &host)?;
    headers.set("x-forwarded-proto", site.url.scheme())
}

/// The cookies that are the shop's business; a ticket is not.
fn others_cookies(header: &str) -> Option<String> {
    let others: Vec<&str> = header
        .split(';')
        .map(str::trim)
        .filter(|pair| !pair.is_empty() && !pair.starts_with(OWN_COOKIE))
        .collect();
    (!others.is_empty()).then(|| others.join("; "))
}
