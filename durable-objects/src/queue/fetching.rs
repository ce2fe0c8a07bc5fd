//! Fetches a drand round from several endpoints, each of which may be dead, late or lying: the
//! first that gives what the chain signed is enough.

use std::pin::pin;
use std::time::Duration;

use futures::StreamExt;
use futures::future::{Either, select};
use futures::stream::FuturesUnordered;
use tidegate_core::address::is_confidential;
use tidegate_core::fair::beacon::{asked, endpoints};
use tidegate_core::queue::{Event, Fetch as Wanted, Heard};
use worker::{
    AbortController, AbortSignal, Delay, Env, Fetch, Request, RequestInit, RequestRedirect,
    Response, Result, Url, console_error,
};

/// How long one may take.
const PATIENCE: Duration = Duration::from_secs(4);
/// An answer has some 300 bytes.
const ANSWER_MAX: usize = 4_096;

/// Asks endpoints at the same time, until one has the round.
pub async fn fetch_beacon(env: &Env, wanted: Wanted) -> Event {
    let configured = env.var("DRAND_ENDPOINTS").map(|value| value.to_string());
    let configured = configured.unwrap_or_default();
    let Wanted {
        epoch,
        beacon,
        attempt,
    } = wanted;
    let (chain, round) = (&beacon.chain.chain, beacon.round);
    let mut answers: FuturesUnordered<_> = asked(&endpoints(&configured), attempt)
        .into_iter()
        .map(|endpoint| async move {
            let address = format!("{endpoint}/{chain}/public/{round}");
            (endpoint, ask_in_time(&address).await)
        })
        .collect();
    let mut heard = Vec::new();
    while let Some((endpoint, said)) = answers.next().await {
        let told = said.map_err(|error| error.to_string());
        let told = told.and_then(|said| beacon.told(&said).map_err(|why| why.to_string()));
        match told {
            Ok(signed) => {
                return Event::Fetched {
                    epoch,
                    signed: Some(signed),
                    heard,
                };
            }
            Err(said) => {
                console_error!("beacon: round {round} at {endpoint}: {said}");
                heard.push(Heard {
                    endpoint: endpoint.to_owned(),
                    said,
                });
            }
        }
    }
    console_error!(
        "beacon: round {round} is not known yet: none of {} endpoints gave it",
        heard.len()
    );
    Event::Fetched {
        epoch,
        signed: None,
        heard,
    }
}

/// What is still to come when nobody waits for it any more would hold one of the few connections
/// that an object may have.
struct Aborting(Option<AbortController>);

impl Drop for Aborting {
    fn drop(&mut self) {
        if let Some(controller) = self.0.take() {
            controller.abort();
        }
    }
}

async fn ask_in_time(address: &str) -> Result<String> {
    let controller = AbortController::default();
    let signal = controller.signal();
    let _aborting = Aborting(Some(controller));
    let asking = ask(address, signal);
    match select(pin!(asking), Delay::from(PATIENCE)).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => Err("no answer in time".into()),
    }
}

async fn ask(address: &str, signal: AbortSignal) -> Result<String> {
    let url: Url = address.parse().map_err(|_| "not an address")?;
    if !is_confidential(&url) {
        return Err("only https is asked".into());
    }
    let mut init = RequestInit::new();
    // Another address was not configured.
    init.with_redirect(RequestRedirect::Manual);
    let request = Request::new_with_init(url.as_str(), &init)?;
    let mut response = Fetch::Request(request).send_with_signal(&signal).await?;
    if response.status_code() != 200 {
        return Err(format!("status {}", response.status_code()).into());
    }
    text(&mut response).await
}

/// A body, unless it is longer than any answer is.
async fn text(response: &mut Response) -> Result<String> {
    let (mut bytes, mut stream) = (Vec::new(), response.stream()?);
    while let Some(chunk) = stream.next().await {
        bytes.extend(chunk?);
        if bytes.len() > ANSWER_MAX {
            return Err("a body that is too long".into());
        }
    }
    String::from_utf8(bytes).map_err(|_| "a body that is not text".into())
}
