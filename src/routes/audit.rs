//! What shows that the opening was fair: the audit, signed, and each entrant's inclusion proof.

use serde_json::{Value, json};
use tidegate_core::calls::{LaneCall, LaneName, LaneReply, QueueCall, QueueReply, Reply};
use tidegate_core::fair::audit::{Audit, GroupProof};
use tidegate_core::fair::chance::chance;
use tidegate_core::hex::hex;
use tidegate_core::ids::{Epoch, QueueId};
use tidegate_core::problem::{Code, Problem};
use tidegate_core::queue::opening::no_such_page;
use tidegate_core::token::statement::Statement;
use tidegate_core::wire;
use tidegate_objects::{binding, stub};

use crate::answer::{Answered, private_json};
use crate::credentials;
use crate::keys;
use crate::once::{json_response, once};
use crate::paths::get;
use crate::routes::shoppers::judged;
use crate::site::Site;
use crate::views;

/// An audit stays as it is while the epoch lasts.
const AUDIT_CACHE: &str = "public, max-age=60";
/// How long the data centre keeps it, under the epoch's name.
const KEPT: &str = "public, max-age=3600";

/// A page of the audit.
pub async fn audit(site: &Site, id: &QueueId) -> Answered {
    get(site)?;
    let view = views::view(site, id).await?.value;
    view.snapshot.check_sealed()?;
    let page = page(site)?;
    // Which pages there are is known here: no other is asked for.
    if page >= view.audit_pages {
        return Err(no_such_page().into());
    }
    let epoch = view.snapshot.epoch;
    let kept_at = format!("{}/tidegate/-/audit/{id}/{epoch}/{page}", site.origin());
    let make = async || match views::call_queue(site, id, &QueueCall::Audit { page }).await? {
        QueueReply::Audit(audit) if audit.epoch == epoch => {
            signed(site, &audit).map(|audit| audit.to_string())
        }
        QueueReply::Audit(_) => Err(reset()),
        _ => Err(Problem::unexpected("queue")),
    };
    let text = once(&kept_at, &format!("audit/{id}"), KEPT, make).await?;
    Ok(json_response(&text, AUDIT_CACHE)?)
}

/// The queue was reset since this edge looked.
fn reset() -> Problem {
    Problem::new(
        Code::ServiceUnavailable,
        "The queue was reset just now; try again.",
    )
}

fn signed(site: &Site, audit: &Audit) -> Result<Value, Problem> {
    let keys = keys::handoff(site)?;
    // The same on every page and whenever it is asked for: it says nothing of now.
    let opened_at = audit.facts.get("openedAt").and_then(Value::as_u64);
    let statement = keys.state(
        Statement::Audit,
        audit.facts.clone(),
        opened_at.unwrap_or(0),
    )?;
    Ok(audit.shown(&keys.public().signer(), &statement))
}

fn page(site: &Site) -> Result<u64, Problem> {
    let mut pairs = site.url.query_pairs();
    let Some((_, text)) = pairs.find(|(name, _)| name == "page") else {
        return Ok(0);
    };
    let page: Option<u64> = text.parse().ok();
    page.filter(|page| page.to_string() == text)
        .ok_or_else(|| Problem::validation("page: must be a number from 0"))
}

/// An entrant's inclusion proof.
pub async fn proof(site: &Site, id: &QueueId) -> Answered {
    get(site)?;
    let (view, holder) = judged(site, id, &credentials::shown(site, id)).await?;
    view.snapshot.check_sealed()?;
    let epoch = view.snapshot.epoch;
    let Some(position) = holder.position else {
        return Err(Problem::unexpected("queue").into());
    };
    let entrants = view.snapshot.shuffle.entrants.unwrap_or(0);
    if holder.index >= entrants {
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
    let shown: Reply<LaneReply> =
        stub::call(&site.env, binding::LANE, &lane.object_name(), &call).await;
    let LaneReply::Receipt(Some(receipt)) = shown? else {
        return Err(not_logged().into());
    };
    let range = receipt.group;
    let proof = group_proof(site, id, epoch, range.first).await?;
    let value = json!({
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
    });
    private_json(&value, 200)
}

/// A group's proof: the same for all its members, and for good.
async fn group_proof(
    site: &Site,
    id: &QueueId,
    epoch: Epoch,
    first: u64,
) -> Result<GroupProof, Problem> {
    let kept_at = format!("{}/tidegate/-/proof/{id}/{epoch}/{first}", site.origin());
    let make = async || {
        let call = QueueCall::Prove { epoch, first };
        let QueueReply::Proof(proof) = views::call_queue(site, id, &call).await? else {
            return Err(not_logged());
        };
        wire::write("", &proof).map_err(|_| Problem::unexpected("queue"))
    };
    let text = once(&kept_at, &format!("proof/{id}"), KEPT, make).await?;
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
pub async fn fairness(site: &Site, id: &QueueId) -> Answered {
    get(site)?;
    let snapshot = views::view(site, id).await?.value.snapshot.clone();
    if !snapshot.is_over() {
        return Err(Problem::new(
            Code::Conflict,
            "The fairness report is made when the queue is over.",
        )
        .into());
    }
    let epoch = snapshot.epoch;
    let kept_at = format!("{}/tidegate/-/fairness/{id}/{epoch}", site.origin());
    let make = async || {
        let reply = views::call_queue(site, id, &QueueCall::Fairness).await?;
        let QueueReply::Fairness(mut report) = reply else {
            return Err(Problem::unexpected("queue"));
        };
        let seed = snapshot.shuffle.seed;
        let chance = seed.map(|seed| chance(&seed, snapshot.shuffle.entrants.unwrap_or(0)));
        report.insert("chance".into(), json!(chance));
        Ok(Value::Object(report).to_string())
    };
    // For a minute: live admissions may still end, and the operator may open the queue again.
    let text = once(&kept_at, &format!("fairness/{id}"), AUDIT_CACHE, make).await?;
    Ok(json_response(&text, AUDIT_CACHE)?)
}
