//! Fetches a drand round from several endpoints, each of which may be dead, late or lying: what more than
//! half of them say is taken.

use std::pin::pin;
use std::time::Duration;

use futures::StreamExt;
use futures::future::{Either, join_all, select};
use tidegate_core::fair::beacon::{agreed, endpoints, signature_in};
use tidegate_core::queue::{Event, Fetch as Wanted};
use worker::{
    AbortController, AbortSignal, Delay, Env, Error, Fetch, Request, RequestInit, RequestRedirect,
    Response, Result, Url, console_error,
};

/// How long one may take.
const PATIENCE: Duration = Duration::from_secs(4);
/// An answer has some 300 bytes.
const ANSWER_MAX: usize = 4_096;

/// Asks all endpoints; `None` where they do not agree, or do not have it yet.
pub async fn fetch_beacon(env: &Env, wanted: Wanted) -> Option<Event> {
    let configured = env.var("DRAND_ENDPOINTS").map(|value| value.to_string());
    let configured = configured.unwrap_or_default();
    let (chain, round) = (&wanted.beacon.chain.chain, wanted.beacon.round);
    let asked = endpoints(&configured)
        .into_iter()
        .map(|endpoint| async move {
            let address = format!("{endpoint}/{chain}/public/{round}");
            let controller = AbortController::default();
            let asking = ask(&address, controller.signal());
            let said = match select(pin!(asking), Delay::from(PATIENCE)).await {
                Either::Left((answer, _)) => answer,
                Either::Right(_) => Err("no answer in time".into()),
            };
            // Whatever is still to come would hold one of the few connections that an object may have.
            controller.abort();
            let signature = said.and_then(|answer| {
                signature_in(&answer, round)
                    .ok_or_else(|| "not the round that was asked for".into())
            });
            signature
                .inspect_err(|error: &Error| console_error!("beacon: {address}: {error}"))
                .ok()
        });
    let answers = join_all(asked).await;
    let Some(signature) = agreed(&answers) else {
        let given = answers.iter().flatten().count();
        console_error!(
            "beacon: round {round} is not known yet: {given} of {} endpoints gave it, and more than half must agree",
            answers.len()
        );
        return None;
    };
    Some(Event::Beacon {
        epoch: wanted.epoch,
        round,
        signature: signature.to_owned(),
    })
}

async fn ask(address: &str, signal: AbortSignal) -> Result<String> {
    let url: Url = address.parse().map_err(|_| "not an address")?;
    let is_here = matches!(url.host_str(), Some("127.0.0.1" | "localhost"));
    if url.scheme() != "https" && !is_here {
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
