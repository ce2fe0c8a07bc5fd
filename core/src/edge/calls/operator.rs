//! What operators call: queues and their admissions.

use serde_json::{Value, json};

use crate::calls::{QueueCall, QueueReply};
use crate::config::QueueConfig;
use crate::edge::answer::{Answer as Answered, Outcome};
use crate::edge::body;
use crate::edge::context::Context;
use crate::edge::request::Method;
use crate::edge::router::nothing_here;
use crate::fair::beacon::Chain;
use crate::fair::{Fresh, Secret};
use crate::ids::{Epoch, INDEX_MAX, QueueId};
use crate::problem::{Code, Problem};
use crate::queue::{Answer, ClaimState, Event};
use crate::reading;
use crate::token::access::Caller;

/// What a queue's own address takes.
const METHODS: [Method; 5] = [
    Method::Get,
    Method::Head,
    Method::Put,
    Method::Patch,
    Method::Delete,
];

/// Answers `/v1/admin/…`. Who has no good key learns nothing of what is there.
pub(in crate::edge) async fn route(context: &Context, rest: &[&str]) -> Outcome {
    let admin_keys = context.admin_keys().await?;
    let caller = admin_keys.caller(context.request.bearer())?;
    match rest {
        ["queues"] => {
            context.only_reads()?;
            list(context, caller).await
        }
        ["queues", id] => {
            // What is no id at all is a mistake worth naming to an operator.
            let id: QueueId = id.parse()?;
            caller.may_use(&id)?;
            queue(context, &id).await
        }
        ["queues", id, action] => {
            let id: QueueId = id.parse()?;
            caller.may_use(&id)?;
            context.exists(&id).await?;
            act(context, &id, action).await
        }
        _ => Err(nothing_here().into()),
    }
}

async fn list(context: &Context, caller: Caller<'_>) -> Outcome {
    let queues = context.queues().await?;
    let is_allowed = |entry: &&_| -> bool {
        let entry: &crate::calls::DirectoryEntry = entry;
        caller.may_use(&entry.id).is_ok()
    };
    let allowed: Vec<_> = queues.iter().filter(is_allowed).collect();
    Answered::private(200, &json!({ "queues": allowed }))
}

async fn queue(context: &Context, id: &QueueId) -> Outcome {
    context.only(&METHODS, "GET, HEAD, PUT, PATCH, DELETE")?;
    let exists = match context.exists(id).await {
        Ok(()) => true,
        Err(problem) if problem.code == Code::QueueNotFound => false,
        Err(problem) => return Err(problem.into()),
    };
    match context.request.method {
        Method::Put => put(context, id, exists).await,
        _ if !exists => Err(Problem::queue_not_found(id.as_str()).into()),
        Method::Patch => {
            let patch = body::json(&context.body().await?)?;
            check_identity(context, &patch).await?;
            let fresh = fresh(context).await?;
            change(context, id, Event::Patch { patch, fresh }).await
        }
        Method::Delete => {
            context.delete(id).await?;
            Ok(Answered::empty(204))
        }
        _ => report(&context.queue(id, Event::Read).await?, 200),
    }
}

async fn put(context: &Context, id: &QueueId, exists: bool) -> Outcome {
    let config = body::json(&context.body().await?)?;
    check_identity(context, &config).await?;
    let fresh = fresh(context).await?;
    // Nothing is reserved for what would be refused. What is listed already stays as it is.
    let parsed = QueueConfig::parse(&config, id)?;
    if !exists {
        id.check_new()?;
        parsed.check_closing(None, context.now())?;
    }
    let confirmed = confirms_removal(context)?;
    let epoch = fresh.epoch;
    context.reserve(id, epoch).await?;
    let put = if confirmed {
        Event::Replace {
            id: id.clone(),
            config,
            fresh,
        }
    } else {
        Event::Put {
            id: id.clone(),
            config,
            fresh,
        }
    };
    let answer = context.queue(id, put).await?;
    if is_of(&answer, epoch) {
        context.renew_made(id).await?;
    } else {
        context.renew(id).await?;
    }
    report(&answer, if exists { 200 } else { 201 })
}

/// Whether the operator confirms that limits and product go which the configuration does not name.
fn confirms_removal(context: &Context) -> Result<bool, Problem> {
    match parameter(context, "confirm").as_deref() {
        None => Ok(false),
        Some("removal") => Ok(true),
        Some(_) => Err(Problem::validation("confirm: must be removal")),
    }
}

async fn act(context: &Context, id: &QueueId, action: &str) -> Outcome {
    let event = match action {
        "admissions" => {
            context.only_reads()?;
            return admissions(context, id).await;
        }
        "notice" => {
            context.only(&[Method::Put], "PUT")?;
            let notice = body::json(&context.body().await?)?;
            let said = (!notice.is_null())
                .then(|| body::read(&notice))
                .transpose()?;
            Event::Notify(said)
        }
        "pause" => Event::Pause,
        "resume" => Event::Resume,
        "close" => Event::Close,
        "reopen" => Event::Reopen,
        "reset" => Event::Reset {
            fresh: fresh(context).await?,
        },
        _ => return Err(nothing_here().into()),
    };
    if action != "notice" {
        context.only_post()?;
    }
    change(context, id, event).await
}

/// Lets a change happen, and shows it at this edge at once.
async fn change(context: &Context, id: &QueueId, event: Event) -> Outcome {
    let answer = context.queue(id, event).await?;
    context.renew(id).await?;
    report(&answer, 200)
}

/// Whether a report is of this epoch: then who brought the epoch made the queue.
fn is_of(answer: &Answer, epoch: Epoch) -> bool {
    let Answer::Report(report) = answer else {
        return false;
    };
    let said = report.pointer("/snapshot/epoch").and_then(Value::as_str);
    said == Some(epoch.to_string().as_str())
}

fn report(answer: &Answer, status: u16) -> Outcome {
    match answer {
        Answer::Report(report) => Answered::private(status, report),
        _ => Err(Problem::unexpected("queue").into()),
    }
}

/// A parameter of the address, unless it is empty.
fn parameter(context: &Context, wanted: &str) -> Option<String> {
    context
        .request
        .address
        .parameter(wanted)
        .filter(|value| !value.is_empty())
}

async fn admissions(context: &Context, id: &QueueId) -> Outcome {
    let state = parameter(context, "state")
        .map(|name| {
            let names = ClaimState::ALL.map(ClaimState::name).join(", ");
            ClaimState::from_name(&name)
                .ok_or_else(|| Problem::validation(format!("state: must be one of {names}")))
        })
        .transpose()?;
    let after = parameter(context, "after")
        .map(|text| {
            let index = text.parse().ok().filter(|index| *index <= INDEX_MAX);
            index.ok_or_else(|| Problem::validation("after: must be the last page's next"))
        })
        .transpose()?;
    match context
        .call_queue(id, &QueueCall::Admissions { state, after })
        .await?
    {
        QueueReply::Admissions { admissions, next } => {
            Answered::private(200, &json!({ "admissions": admissions, "next": next }))
        }
        _ => Err(Problem::unexpected("queue").into()),
    }
}

/// A queue whose entries nobody could ever make is refused when it is configured, not when it
/// opens.
async fn check_identity(context: &Context, config: &Value) -> Result<(), Problem> {
    if config.get("uniqueBy").is_some_and(|by| by == "identity") {
        context.identity_keys().await?;
    }
    Ok(())
}

async fn fresh(context: &Context) -> Result<Fresh, Problem> {
    Ok(Fresh {
        epoch: Epoch::from_bytes(context.isolate.bytes()?),
        secret: Secret::from_bytes(context.isolate.bytes()?),
        chain: chain(context).await?,
    })
}

/// The drand chain that shuffles wait for: quicknet, unless `DRAND_CHAIN` says another.
async fn chain(context: &Context) -> Result<Chain, Problem> {
    let Some(text) = context.variable("DRAND_CHAIN").await else {
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
