//! The front of the merchant's shop: pages and assets from the edge cache, everything else passed
//! through.

mod cache;
mod upstream;

use std::time::Duration;

use tidegate_core::edge::isolate::Isolate;
use tidegate_core::edge::memory::single_flight::pauses;
use tidegate_core::problem::{Code, Problem};
use tidegate_core::shop::cache_key::{PassThrough, cache_key};
use worker::{Delay, Env, Error, Method, Request, Response, console_error};

use crate::isolate;
use crate::shop::cache::Outcome;
use crate::site::Site;

/// How long a request looks whether another has fetched a page.
const LOOKS_MILLIS: u64 = 3_000;
/// Says how an answer came about: `HIT`, `MISS` or `PASS`.
const CACHE_HEADER: &str = "x-tidegate-cache";

/// What a request for the shop comes to.
type Answered = Result<Response, Failure>;

/// Why the shop gave no answer.
pub enum Failure {
    /// It does not answer, or nobody said where it is.
    Problem(Problem),
    /// A fault of the platform or ours; the visitor is told no more than that.
    Fault(Error),
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Fault(error)
    }
}

impl Failure {
    /// What the visitor is told; a fault is logged.
    pub fn problem(self, request_id: &str) -> Problem {
        match self {
            Self::Problem(problem) => problem,
            Self::Fault(error) => {
                console_error!("request {request_id}: {error}");
                let detail = "An unexpected fault; the request id names it in the logs.";
                Problem::new(Code::InternalError, detail)
            }
        }
    }
}

/// Serves a request for the shop.
pub async fn serve(request: Request, env: Env, request_id: &str) -> Answered {
    let site = &Site::new(&request, env, request_id)?;
    if !is_page(site) {
        return pass(site, request).await;
    }
    let key = cache_key(site.url.path(), site.url.query());
    if cache::is_personal(site, &key) {
        return pass(site, request).await;
    }
    if let Some(response) = cache::find(site, &key).await {
        return cache::present(site, response, "HIT");
    }
    if site.method == Method::Head {
        return pass(site, request).await;
    }
    // A page that everybody wants at once is fetched once: the others wait for it.
    let (isolate, work) = (isolate(), format!("page{key}"));
    let fetching = isolate.flights.begin(&work, site.now);
    if fetching.is_none() {
        fetched(&isolate, &work).await;
        if let Some(response) = cache::find(site, &key).await {
            return cache::present(site, response, "HIT");
        }
        if cache::is_personal(site, &key) {
            return pass(site, request).await;
        }
    }
    // Fetched without cookies: what comes back is what everybody may see, or says that it is not.
    let response = upstream::fetch_public(site, &key).await?;
    match cache::store(site, &key, response).await? {
        Outcome::Stored(response) => cache::present(site, response, "MISS"),
        Outcome::Personal(_) if upstream::brings_cookies(site) => {
            cache::note_personal(site, &key);
            pass(site, request).await
        }
        Outcome::Personal(response) | Outcome::NotStored(response) => {
            response.headers().set(CACHE_HEADER, "MISS")?;
            Ok(response)
        }
    }
}

/// Waits, within bounds, until nobody fetches this page.
async fn fetched(isolate: &Isolate, work: &str) {
    for pause in pauses(LOOKS_MILLIS) {
        if !isolate.flights.is_under_way(work) {
            return;
        }
        Delay::from(Duration::from_millis(pause)).await;
    }
}

/// Whether this is a read that could be anybody's.
fn is_page(site: &Site<'_>) -> bool {
    let reads = matches!(site.method, Method::Get | Method::Head);
    let own = ["authorization", "range", "upgrade"];
    let listed = PassThrough::read(&site.var("SHOP_PASS_THROUGH").unwrap_or_default());
    reads && !own.iter().any(|name| site.header(name).is_some()) && !listed.covers(site.url.path())
}

async fn pass(site: &Site<'_>, request: Request) -> Answered {
    let response = upstream::pass(site, request).await?;
    response.headers().set(CACHE_HEADER, "PASS")?;
    Ok(response)
}
