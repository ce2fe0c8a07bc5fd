//! What shows that the opening was fair: the audit, signed, each entrant's inclusion proof, and the
//! fairness report.

use serde_json::{Value, json};

use crate::calls::{LaneCall, LaneName, LaneReply, QueueCall, QueueReply, Reply};
use crate::edge::answer::{Answer, Outcome};
use crate::edge::context::Context;
use crate::edge::pending::Object;
use crate::fair::audit::{Audit, GroupProof};
use crate::fair::chance::chance;
use crate::hex::hex;
use crate::ids::{Epoch, QueueId};
use crate::problem::{Code, Problem};
use crate::queue::Refusal;
use crate::token::statement::Statement;
use crate::wire;

/// An audit stays as it is while the epoch lasts.
const AUDIT_CACHE: &str = "public, max-age=60";
/// How long the data centre keeps it, under the epoch's name.
const KEPT: &str = "public, max-age=3600";

/// A page of the audit.
pub(in crate::edge) async fn audit(context: &Context, id: &QueueId) -> Outcome {
    context.only_reads()?;
    let view = context.view(id).await?.value;
    view.snapshot.check_sealed()?;
    let page = page(context)?;
    // Which pages there are is known here: no other is asked for.
    if page >= view.audit_pages {
        return Err(Problem::from(Refusal::NoSuchPage).into());
    }
    let epoch = view.snapshot.epoch;
    let make = async || match context.call_queue(id, &QueueCall::Audit { page }).await? {
        QueueReply::Audit(audit) if audit.epoch == epoch => {
            signed(context, &audit).await.map(|audit| audit.to_string())
        }
        QueueReply::Audit(_) => Err(reset()),
        _ => Err(Problem::unexpected("queue")),
    };
    let name = format!("audit/{id}/{epoch}/{page}");
    let text = context
        .once(&name, &format!("audit/{id}"), KEPT, make)
        .await?;
    Ok(Answer::public(text, AUDIT_CACHE))
}

/// The queue was reset since this edge looked.
fn reset() -> Problem {
    Problem::new(
        Code::ServiceUnavailable,
        "The queue was reset just now; try again.",
    )
}

async fn signed(context: &Context, audit: &Audit) -> Result<Value, Problem> {
    let keys = context.handoff_keys().await?;
    // The same on every page and whenever it is asked for: it says nothing of now.
    let opened_at = audit.facts.get("openedAt").and_then(Value::as_u64);
    let at = opened_at.unwrap_or(0);
    let statement = keys.state(Statement::Audit, audit.facts.clone(), at)?;
    Ok(audit.shown(&keys.public().signer(), &statement))
}

fn page(context: &Context) -> Result<u64, Problem> {
    let Some(text) = context.request.address.parameter("page") else {
        return Ok(0);
    };
    let page: Option<u64> = text.parse().ok();
    page.filter(|page| page.to_string() == text)
        .ok_or_else(|| Problem::validation("page: must be a number from 0"))
}

/// An entrant's inclusion proof.
pub(in crate::edge) async fn proof(context: &Context, id: &QueueId) -> Outcome {
    context.only_reads()?;
    let (seen, holder) = context.judged(id, context.request.shown(id)).await?;
    let view = seen.value;
    view.snapshot.check_sealed()?;
    let epoch = view.snapshot.epoch;
    let Some(position) = holder.position else {
        return Err(Problem::unexpected("queue").into());
    };
    if holder.index >= view.snapshot.shuffle.entrants.unwrap_or(0) {
        return Err(not_logged().into());
    }
    let lane = LaneName {
        queue: id.clone(),
        epoch,
        number: holder.shopper.lane(view.lanes),
    };
    let call = LaneCall::Show {
        shopper: holder.shopper,
        index: holder.index,
    };
    let shown: Reply<LaneReply> = context.ask(Object::Lane, &lane.object_name(), &call).await;
    let LaneReply::Receipt(Some(receipt)) = shown? else {
        return Err(not_logged().into());
    };
    let range = receipt.group;
    let proof = group_proof(context, id, epoch, range.first).await?;
    Answer::private(
        200,
        &json!({
            "shopper": receipt.shopper,
            "leaf": hex(&receipt.leaf(epoch)),
            "place": receipt.place,
            "path": receipt.path,
            "index": holder.index,
            "position": position.saturating_add(1),
            "group": {
                "lane": range.lane,
                "sequence": range.sequence,
                "first": range.first,
                "granted": range.granted,
                "count": range.count,
                "root": range.root,
                "number": proof.number,
            },
            "groupPath": proof.path,
            "groups": proof.groups,
            "root": proof.root,
        }),
    )
}

/// A group's proof: the same for all its members, and for good.
async fn group_proof(
    context: &Context,
    id: &QueueId,
    epoch: Epoch,
    first: u64,
) -> Result<GroupProof, Problem> {
    let make = async || {
        let call = QueueCall::Prove { epoch, first };
        let QueueReply::Proof(proof) = context.call_queue(id, &call).await? else {
            return Err(not_logged());
        };
        wire::write("", &proof).map_err(|_| Problem::unexpected("queue"))
    };
    let name = format!("proof/{id}/{epoch}/{first}");
    let text = context
        .once(&name, &format!("proof/{id}"), KEPT, make)
        .await?;
    // One that an older version kept is not read.
    wire::read(&text).map_err(|_| reset())
}

fn not_logged() -> Problem {
    Problem::new(
        Code::NotFound,
        "This entry is not in the entrants' log: it came after the opening, or was given up.",
    )
}

/// The fairness report of a queue that is over.
pub(in crate::edge) async fn fairness(context: &Context, id: &QueueId) -> Outcome {
    context.only_reads()?;
    let view = context.view(id).await?.value;
    let snapshot = &view.snapshot;
    if !snapshot.is_over() {
        return Err(Problem::new(
            Code::Conflict,
            "The fairness report is made when the queue is over.",
        )
        .into());
    }
    let make = async || {
        let reply = context.call_queue(id, &QueueCall::Fairness).await?;
        let QueueReply::Fairness(mut report) = reply else {
            return Err(Problem::unexpected("queue"));
        };
        let seed = snapshot.shuffle.seed;
        let chance = seed.map(|seed| chance(&seed, snapshot.shuffle.entrants.unwrap_or(0)));
        report.insert("chance".into(), json!(chance));
        Ok(Value::Object(report).to_string())
    };
    // For a minute: live admissions may still end, and the operator may open the queue again.
    let name = format!("fairness/{id}/{}", snapshot.epoch);
    let text = context
        .once(&name, &format!("fairness/{id}"), AUDIT_CACHE, make)
        .await?;
    Ok(Answer::public(text, AUDIT_CACHE))
}
