//! Requests to the merchant's origin, and what of its answers must not come back as it is.

use tidegate_core::edge::cookies;
use tidegate_core::problem::{Code, Problem};
use url::Url;
use worker::{
    Fetch, Headers, Method, Request, RequestInit, RequestRedirect, Response, Result, console_error,
};

use super::Failure;
use crate::site::Site;

/// Prefix of the headers that are between the shopper and Tidegate alone.
const OWN_HEADER: &str = "x-tidegate-";

/// Fetches a page as anybody would see it: by the address that it is kept under, so that nothing
/// else of one visitor's link can find its way into what all others are shown.
pub async fn fetch_public(site: &Site<'_>, key: &str) -> std::result::Result<Response, Failure> {
    // Nothing of the visitor's own: what it could change would be changed for everybody.
    let headers = Headers::new();
    headers.set("accept", "*/*")?;
    headers.set("user-agent", "Tidegate")?;
    forwarded(site, &headers)?;
    let mut init = RequestInit::new();
    init.with_headers(headers)
        .with_redirect(RequestRedirect::Manual);
    let (path, query) = key
        .split_once('?')
        .map_or((key, None), |(path, query)| (path, Some(query)));
    let address = address(site, path, query)?;
    send(site, &Request::new_with_init(address.as_str(), &init)?).await
}

/// Passes a request through as it came.
pub async fn pass(site: &Site<'_>, request: Request) -> std::result::Result<Response, Failure> {
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
        .with_redirect(RequestRedirect::Manual);
    // The platform takes a body of a read for a mistake, though clients may send one.
    if !matches!(site.method, Method::Get | Method::Head) {
        init.with_body(request.inner().body().map(Into::into));
    }
    send(
        site,
        &Request::new_with_init(
            address(site, site.url.path(), site.url.query())?.as_str(),
            &init,
        )?,
    )
    .await
}

async fn send(site: &Site<'_>, request: &Request) -> std::result::Result<Response, Failure> {
    let response = Fetch::Request(request.clone()?)
        .send()
        .await
        .map_err(|error| {
            console_error!("request {}: shop: {error}", site.request_id);
            Failure::Problem(Problem::new(
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

/// A page's address at the origin.
fn address(site: &Site<'_>, path: &str, query: Option<&str>) -> std::result::Result<Url, Failure> {
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
    address.set_path(path);
    address.set_query(query);
    Ok(address)
}

/// A redirect to the shop's own address leads through the edge again.
fn local_address(site: &Site<'_>, location: &str) -> Option<String> {
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
    // A path that begins with two slashes would name another host.
    Some(format!(
        "/{}{query}{fragment}",
        target.path().trim_start_matches('/')
    ))
}

fn forwarded(site: &Site<'_>, headers: &Headers) -> Result<()> {
    let host = site.url.host_str().unwrap_or_default();
    let host = site
        .url
        .port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    headers.set("x-forwarded-host", &host)?;
    headers.set("x-forwarded-proto", site.url.scheme())
}

/// Whether the visitor brought a cookie that is the shop's business.
pub fn brings_cookies(site: &Site<'_>) -> bool {
    site.header("cookie")
        .is_some_and(|header| others_cookies(&header).is_some())
}

/// The cookies that are the shop's business; a ticket is not. Several `Cookie` headers arrive
/// joined by commas.
fn others_cookies(header: &str) -> Option<String> {
    let others: Vec<&str> = header
        .split(';')
        .flat_map(|pair| {
            if pair.contains(cookies::OWN) {
                pair.split(',').collect()
            } else {
                vec![pair]
            }
        })
        .map(str::trim)
        .filter(|pair| !pair.is_empty() && !pair.starts_with(cookies::OWN))
        .collect();
    (!others.is_empty()).then(|| others.join("; "))
}
