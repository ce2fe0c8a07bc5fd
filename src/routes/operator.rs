//! What operators call: queues and their admissions.

use serde_json::{Value, json};
use tidegate_core::calls::{QueueCall, QueueReply};
use tidegate_core::config::QueueConfig;
use tidegate_core::fair::beacon::Chain;
use tidegate_core::fair::{Fresh, Secret};
use tidegate_core::ids::{Epoch, INDEX_MAX, QueueId};
use tidegate_core::problem::{Code, Problem};
use tidegate_core::queue::{Answer, ClaimState, Event};
use tidegate_core::reading;
use tidegate_core::token::access::Caller;
use worker::{Method, Request};

use crate::answer::{Answered, nothing, private_json};
use crate::body;
use crate::credentials;
use crate::keys;
use crate::paths::{get, nothing_here, only, post};
use crate::random;
use crate::site::Site;
use crate::views;

/// Answers `/v1/admin/…`. Whoever has no good key learns nothing of what is there.
pub async fn route(site: &Site, mut request: Request, rest: &[&str]) -> Answered {
    let admin_keys = keys::admin(site)?;
    let caller = admin_keys.caller(credentials::bearer(site).as_deref())?;
    match rest {
        ["queues"] => {
            get(site)?;
            list(site, caller).await
        }
        ["queues", id] => {
            // What is no id at all is a mistake worth naming to an operator.
            let id: QueueId = id.parse()?;
            caller.may_use(&id)?;
            queue(site, &mut request, &id).await
        }
        ["queues", id, action] => {
            let id: QueueId = id.parse()?;
            caller.may_use(&id)?;
            views::exists(site, &id).await?;
            act(site, &mut request, &id, action).await
        }
        _ => Err(nothing_here()),
    }
}

async fn list(site: &Site, caller: Caller<'_>) -> Answered {
    let queues = views::queues(site).await?;
    let allowed: Vec<_> = queues
        .iter()
        .filter(|entry| caller.may_use(&entry.id).is_ok())
        .collect();
    private_json(&json!({ "queues": allowed }), 200)
}

async fn queue(site: &Site, request: &mut Request, id: &QueueId) -> Answered {
    only(
        site,
        &[
            Method::Put,
            Method::Patch,
            Method::Get,
            Method::Head,
            Method::Delete,
        ],
        "GET, HEAD, PUT, PATCH, DELETE",
    )?;
    let exists = match views::exists(site, id).await {
        Ok(()) => true,
        Err(problem) if problem.code == Code::QueueNotFound => false,
        Err(problem) => return Err(problem.into()),
    };
    if site.method == Method::Put {
        let config = body::json(request).await?;
        check_identity(site, &config)?;
        let fresh = fresh(site)?;
        // Nothing is reserved for what would be refused. What is listed already stays as it is.
        let parsed = QueueConfig::parse(&config, id)?;
        if !exists {
            id.check_new()?;
            parsed.check_closing(None, site.now)?;
        }
        let confirmed = confirms_removal(site)?;
        views::reserve(site, id, fresh.epoch).await?;
        let epoch = fresh.epoch;
        let put = put(id.clone(), config, fresh, confirmed);
        let answer = views::queue(site, id, put).await?;
        if is_of(&answer, epoch) {
            views::renew_made(site, id).await?;
        } else {
            views::renew(site, id).await?;
        }
        return report(&answer, if exists { 200 } else { 201 });
    }
    if !exists {
        return Err(Problem::queue_not_found(id.as_str()).into());
    }
    match site.method {
        Method::Patch => {
            let patch = body::json(request).await?;
            check_identity(site, &patch)?;
            let fresh = fresh(site)?;
            change(site, id, Event::Patch { patch, fresh }, 200).await
        }
        Method::Delete => {
            views::delete(site, id).await?;
            nothing()
        }
        _ => report(&views::queue(site, id, Event::Read).await?, 200),
    }
}

fn put(id: QueueId, config: Value, fresh: Fresh, confirmed: bool) -> Event {
    if confirmed {
        Event::Replace { id, config, fresh }
    } else {
        Event::Put { id, config, fresh }
    }
}

/// Whether the operator confirms that limits and product go which the configuration does not name.
fn confirms_removal(site: &Site) -> Result<bool, Problem> {
    match parameter(site, "confirm").as_deref() {
        None => Ok(false),
        Some("removal") => Ok(true),
        Some(_) => Err(Problem::validation("confirm: must be removal")),
    }
}

async fn act(site: &Site, request: &mut Request, id: &QueueId, action: &str) -> Answered {
    let event = match action {
        "admissions" => {
            get(site)?;
            return admissions(site, id).await;
        }
        "notice" => {
            only(site, &[Method::Put], "PUT")?;
            let notice = body::json(request).await?;
            Event::Notify(if notice.is_null() {
                None
            } else {
                Some(body::read(&notice)?)
            })
        }
        "pause" => Event::Pause,
        "resume" => Event::Resume,
        "close" => Event::Close,
        "reopen" => Event::Reopen,
        "reset" => Event::Reset {
            fresh: fresh(site)?,
        },
        _ => return Err(nothing_here()),
    };
    if action != "notice" {
        post(site)?;
    }
    change(site, id, event, 200).await
}

/// Lets a change happen, and shows it at this edge at once.
async fn change(site: &Site, id: &QueueId, event: Event, status: u16) -> Answered {
    let answer = views::queue(site, id, event).await?;
    views::renew(site, id).await?;
    report(&answer, status)
}

/// Whether a report is of the life of this epoch: then whoever brought the epoch made the queue.
fn is_of(answer: &Answer, epoch: Epoch) -> bool {
    let Answer::Report(report) = answer else {
        return false;
    };
    let said = report.pointer("/snapshot/epoch").and_then(Value::as_str);
    said == Some(epoch.to_string().as_str())
}

fn report(answer: &Answer, status: u16) -> Answered {
    match answer {
        Answer::Report(report) => private_json(report, status),
        _ => Err(Problem::unexpected("queue").into()),
    }
}

fn parameter(site: &Site, wanted: &str) -> Option<String> {
    let found = site.url.query_pairs().find(|(name, _)| name == wanted);
    found
        .map(|(_, value)| value.into_owned())
        .filter(|value| !value.is_empty())
}

async fn admissions(site: &Site, id: &QueueId) -> Answered {
    let state = parameter(site, "state")
        .map(|name| {
            let names = ClaimState::ALL.map(ClaimState::name).join(", ");
            ClaimState::from_name(&name)
                .ok_or_else(|| Problem::validation(format!("state: must be one of {names}")))
        })
        .transpose()?;
    let after = parameter(site, "after")
        .map(|text| {
            let index = text.parse().ok().filter(|index| *index <= INDEX_MAX);
            index.ok_or_else(|| Problem::validation("after: must be the last page's next"))
        })
        .transpose()?;
    let call = QueueCall::Admissions { state, after };
    match views::call_queue(site, id, &call).await? {
        QueueReply::Admissions { admissions, next } => {
            private_json(&json!({ "admissions": admissions, "next": next }), 200)
        }
        _ => Err(Problem::unexpected("queue").into()),
    }
}

/// A queue whose entries nobody could ever make is refused when it is configured, not when it opens.
fn check_identity(site: &Site, config: &Value) -> Result<(), Problem> {
    if config.get("uniqueBy").is_some_and(|by| by == "identity") {
        keys::identity(site)?;
    }
    Ok(())
}

fn fresh(site: &Site) -> Result<Fresh, Problem> {
    Ok(Fresh {
        epoch: Epoch::from_bytes(random::bytes()?),
        secret: Secret::from_bytes(random::bytes()?),
        chain: chain(site)?,
    })
}

/// The drand chain that shuffles wait for: quicknet, unless `DRAND_CHAIN` says another.
fn chain(site: &Site) -> Result<Chain, Problem> {
    let Some(text) = site.var("DRAND_CHAIN") else {
        return Ok(Chain::quicknet());
    };
    let chain: Option<Chain> = reading::parse(&text).ok();
    chain.filter(Chain::is_sound).ok_or_else(|| {
        Problem::new(
            Code::ServiceUnavailable,
            "The variable DRAND_CHAIN is not a chain such as {\"chain\", \"publicKey\", \"genesisAt\", \"periodSeconds\"}; mend it in wrangler.toml.",
        )
    })
}
