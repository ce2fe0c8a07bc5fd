//! Texts that stay as they are for a while, and cost an object work to make: from the data centre's cache, else made
//! by one request at a time for each lock and isolate. The others look again until it is there. A refusal is said
//! again for a moment.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use tidegate_core::UnixMillis;
use tidegate_core::problem::{Code, Problem};
use worker::{Cache, Date, Delay, Error, Response, ResponseBuilder};

use crate::alone::Alone;

/// How often, and how many times, a request looks whether another has made the text.
const LOOK: Duration = Duration::from_millis(25);
const LOOKS: u32 = 160;
/// How long a refusal is said again.
const REFUSED_MILLIS: u64 = 1_000;
/// How many refusals are remembered; then all are forgotten.
const REFUSALS_MAX: usize = 1_000;

thread_local! {
    static REFUSALS: RefCell<HashMap<String, (Problem, UnixMillis)>> = RefCell::default();
}

/// Finds the text that the cache keeps at `address`, or makes it under `lock` and keeps it as `policy`
/// says.
pub async fn once<F>(address: &str, lock: &str, policy: &str, make: F) -> Result<String, Problem>
where
    F: AsyncFnOnce() -> Result<String, Problem>,
{
    let cache = Cache::default();
    for _ in 0..LOOKS {
        if let Some(problem) = refused(address) {
            return Err(problem);
        }
        if let Some(text) = kept(&cache, address).await {
            return Ok(text);
        }
        let Some(_making) = Alone::begin(lock, Date::now().as_millis()) else {
            Delay::from(LOOK).await;
            continue;
        };
        let outcome = make().await;
        match &outcome {
            Ok(text) => {
                if let Ok(response) = json_response(text, policy) {
                    // What is not kept is made again.
                    let _ = cache.put(address, response).await;
                }
            }
            Err(problem) => refuse(address, problem),
        }
        return outcome;
    }
    Err(Problem::new(
        Code::ServiceUnavailable,
        "Others ask for the same, and it is not there yet; try again.",
    ))
}

/// A JSON text as a response.
pub fn json_response(text: &str, cache_control: &str) -> Result<Response, Error> {
    Ok(ResponseBuilder::new()
        .with_header("content-type", "application/json; charset=utf-8")?
        .with_header("cache-control", cache_control)?
        .with_header("vary", "Origin")?
        .fixed(text.as_bytes().to_vec()))
}

/// What the data centre's cache has.
async fn kept(cache: &Cache, address: &str) -> Option<String> {
    let mut kept = cache.get(address, false).await.ok()??;
    kept.text().await.ok()
}

fn refused(address: &str) -> Option<Problem> {
    let now = Date::now().as_millis();
    REFUSALS.with_borrow(|refusals| {
        let (problem, until) = refusals.get(address)?;
        (now < *until).then(|| problem.clone())
    })
}

fn refuse(address: &str, problem: &Problem) {
    let until = Date::now().as_millis().saturating_add(REFUSED_MILLIS);
    REFUSALS.with_borrow_mut(|refusals| {
        if refusals.len() >= REFUSALS_MAX {
            refusals.clear();
        }
        refusals.insert(address.to_owned(), (problem.clone(), until));
    });
}
