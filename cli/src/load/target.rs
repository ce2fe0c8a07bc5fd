//! What is loaded: a queue of a deployment, and what its operator may ask and say there.

use core::time::Duration;

use reqwest::Method;
use reqwest::header::HeaderValue;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tidegate_core::ids::QueueId;
use tidegate_core::view::snapshot::Notice;
use tidegate_judge::history::{Admission, Queue, Snapshot, Start};
use tokio::time::{Instant, sleep};

use super::args::LoadArgs;
use super::keys::Keys;
use super::wire::{Answer, Call, Wire};
use crate::failure::Failure;
use crate::queue::{KEY_VARIABLE, join_settings};

/// How long a new queue may take until the edge knows it.
const KNOWN_WITHIN: Duration = Duration::from_secs(15);
/// How long before the next look at whether it does.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// The most admissions that are read back in the end.
const RECORDS_MAX: usize = 500_000;

/// The queue.
pub struct Target {
    pub id: QueueId,
    /// Whether this run made it, and so nobody else is in it.
    pub own: bool,
    /// Its configuration, if there is an admin key.
    pub config: Option<Value>,
    /// The page that shoppers load first.
    pub page: String,
    /// How many relays it has.
    pub relays: u16,
    /// How it stood before anybody came, if there is an admin key.
    pub start: Option<Start>,
    /// What it said before this run says something.
    notice: Option<Notice>,
}

/// What an operator is told of the queue.
#[derive(Deserialize)]
struct Report {
    config: Value,
    snapshot: QueueState,
}

/// What the queue says of itself, as far as it is used here.
#[derive(Deserialize)]
struct QueueState {
    notice: Option<Notice>,
    #[serde(flatten)]
    judged: Snapshot,
}

impl Target {
    /// Finds the queue that was named, or makes one.
    pub async fn prepare(args: &LoadArgs, wire: &Wire, keys: &Keys) -> Result<Self, Failure> {
        let mut target = match &args.queue {
            Some(id) => {
                let report = match &keys.admin {
                    Some(key) => Some(read_report(wire, key, id).await?),
                    None => None,
                };
                let mut target = Self::known(id, false, report);
                for state in ["admitted", "redeemed"] {
                    let held = target.read_admissions(wire, keys, Some(state)).await?;
                    if let Some(start) = &mut target.start {
                        start.held.extend(held.into_iter().flatten());
                    }
                }
                target
            }
            None => Self::make(args, wire, keys).await?,
        };
        if let Some(page) = &args.page {
            target.page.clone_from(page);
        }
        match target.until_known(wire).await {
            Ok(relays) => target.relays = relays,
            Err(failure) => {
                // Its own queue must not be left behind.
                return Err(match target.remove(wire, keys).await {
                    Ok(()) => failure,
                    Err(_) => failure.remedy(target.deletion(wire.base())),
                });
            }
        }
        Ok(target)
    }

    fn known(id: &QueueId, own: bool, report: Option<Report>) -> Self {
        let (config, snapshot) = report
            .map(|report| (report.config, report.snapshot))
            .unzip();
        let product = config
            .as_ref()
            .and_then(|config| config.pointer("/product/path"));
        let page = product.and_then(Value::as_str);
        Self {
            id: id.clone(),
            own,
            relays: 1,
            page: page.map_or_else(|| format!("/queue/{id}"), str::to_owned),
            notice: snapshot
                .as_ref()
                .and_then(|snapshot| snapshot.notice.clone()),
            start: snapshot.map(|snapshot| Start {
                snapshot: snapshot.judged,
                held: Vec::new(),
            }),
            config,
        }
    }

    async fn make(args: &LoadArgs, wire: &Wire, keys: &Keys) -> Result<Self, Failure> {
        let Some(key) = &keys.admin else {
            return Err(Failure::usage(
                "without an admin key there must be a --queue",
            ));
        };
        let name = format!("load-{:08x}", fastrand::u32(..));
        let id: QueueId = name
            .parse()
            .map_err(|_| Failure::failed(format!("{name} is no queue id")))?;
        let mut config = suitable(args);
        // What the operator sets replaces what would be suitable, a limit also the other limit.
        let set = join_settings(&args.set)?;
        if set.contains_key("admitRatePerMinute") && !set.contains_key("maxActive") {
            config.remove("maxActive");
        }
        config.extend(set);
        let report = admin(wire, key, Method::PUT, &id, "", Some(Value::Object(config))).await?;
        Ok(Self::known(&id, true, Some(as_report(report)?)))
    }

    /// Waits until the edge knows the queue, whose list may be a second old. Returns how many
    /// relays the queue has.
    async fn until_known(&self, wire: &Wire) -> Result<u16, Failure> {
        #[derive(Default, Deserialize)]
        struct Snapshot {
            relays: u16,
        }
        let path = format!("/v1/queues/{}", self.id);
        let began = Instant::now();
        loop {
            let said = match wire.exchange(Call::get(&path)).await {
                Ok(answer) if answer.status == 200 => {
                    return Ok(answer.json::<Snapshot>().unwrap_or_default().relays);
                }
                Ok(answer) => format!("{} {}", answer.status, answer.code().unwrap_or_default()),
                Err(lost) => lost.why,
            };
            if began.elapsed() > KNOWN_WITHIN {
                return Err(Failure::failed(format!(
                    "queue {} does not answer: {said}",
                    self.id
                )));
            }
            sleep(LOOK_AGAIN).await;
        }
    }

    /// What the configuration promises.
    pub fn promises(&self) -> Queue {
        let limits = self.config.clone();
        let limits = limits.and_then(|config| serde_json::from_value(config).ok());
        Queue {
            limits: limits.unwrap_or_default(),
            alone: self.own,
        }
    }

    /// How the queue and its configuration stand, straight from the queue; `None` without a key.
    pub async fn report(
        &self,
        wire: &Wire,
        keys: &Keys,
    ) -> Result<Option<(Snapshot, Value)>, Failure> {
        let Some(key) = &keys.admin else {
            return Ok(None);
        };
        let report = read_report(wire, key, &self.id).await?;
        Ok(Some((report.snapshot.judged, report.config)))
    }

    /// The queue's own account of admissions; `None` where it is too long to read or there is no
    /// key.
    pub async fn records(
        &self,
        wire: &Wire,
        keys: &Keys,
    ) -> Result<Option<Vec<Admission>>, Failure> {
        self.read_admissions(wire, keys, None).await
    }

    /// The same of those in one state.
    async fn read_admissions(
        &self,
        wire: &Wire,
        keys: &Keys,
        state: Option<&str>,
    ) -> Result<Option<Vec<Admission>>, Failure> {
        #[derive(Deserialize)]
        struct Page {
            admissions: Vec<Admission>,
            next: Option<u64>,
        }
        let Some(key) = &keys.admin else {
            return Ok(None);
        };
        let (mut records, mut after) = (Vec::new(), None);
        while records.len() < RECORDS_MAX {
            let state = state.map(|state| format!("state={state}"));
            let after_that = after.map(|after: u64| format!("after={after}"));
            let query: Vec<String> = state.into_iter().chain(after_that).collect();
            let path = format!("/admissions?{}", query.join("&"));
            let page = admin(wire, key, Method::GET, &self.id, &path, None).await?;
            let page: Page = serde_json::from_value(page).map_err(|error| {
                Failure::failed(format!("the queue's account of admissions is odd: {error}"))
            })?;
            records.extend(page.admissions);
            after = page.next;
            if after.is_none() {
                return Ok(Some(records));
            }
        }
        Ok(None)
    }

    /// Says something to everybody in the room, or what was said before.
    pub async fn say(&self, wire: &Wire, keys: &Keys, text: Option<&str>) -> Result<(), Failure> {
        let Some(key) = &keys.admin else {
            return Ok(());
        };
        let said = match text {
            Some(text) => json!({ "level": "info", "text": text }),
            None => json!(self.notice),
        };
        admin(wire, key, Method::PUT, &self.id, "/notice", Some(said)).await?;
        Ok(())
    }

    /// What deletes the queue that this run could not delete.
    pub fn deletion(&self, base: &str) -> String {
        format!(
            "to delete it: tidegate queue delete {} --yes --url {base}",
            self.id
        )
    }

    /// Deletes the queue if this run made it.
    pub async fn remove(&self, wire: &Wire, keys: &Keys) -> Result<(), Failure> {
        match &keys.admin {
            Some(key) if self.own => admin(wire, key, Method::DELETE, &self.id, "", None)
                .await
                .map(|_| ()),
            _ => Ok(()),
        }
    }
}

/// Limits under which a line forms and moves: a little fewer slots than those who come would fill
/// if none waited. A ramp measures the way through, and so holds hardly anybody back.
fn suitable(args: &LoadArgs) -> Map<String, Value> {
    const RAMP: u32 = 20_000;
    const LEAST: f64 = 10.0;
    const SHARE: f64 = 0.8;
    let come_within = args.duration().max(Duration::from_secs(10));
    let per_second = f64::from(args.shoppers) / come_within.as_secs_f64();
    let slots = (per_second * args.checkout().as_secs_f64() * SHARE).clamp(LEAST, f64::from(RAMP));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to a positive u32"
    )]
    let max_active = if args.ramp { RAMP } else { slots as u32 };
    let config = json!({ "maxActive": max_active, "lanes": 8 });
    config.as_object().cloned().unwrap_or_default()
}

/// How the queue and its configuration stand, straight from the queue.
async fn read_report(wire: &Wire, key: &HeaderValue, id: &QueueId) -> Result<Report, Failure> {
    as_report(admin(wire, key, Method::GET, id, "", None).await?)
}

fn as_report(report: Value) -> Result<Report, Failure> {
    serde_json::from_value(report)
        .map_err(|error| Failure::failed(format!("the queue's report is odd: {error}")))
}

/// One call of the operator's; it must be answered with success.
async fn admin(
    wire: &Wire,
    key: &HeaderValue,
    method: Method,
    id: &QueueId,
    below: &str,
    body: Option<Value>,
) -> Result<Value, Failure> {
    let path = format!("/v1/admin/queues/{id}{below}");
    let call = Call {
        method,
        body: body.map(|body| body.to_string()),
        ..Call::get(&path).bearer(key)
    };
    let answer = wire.exchange(call).await.map_err(|lost| {
        Failure::failed(format!("no answer to the operator's call: {}", lost.why))
            .remedy("is --url the address of the Worker, and is the Worker up?")
    })?;
    if (200..300).contains(&answer.status) {
        return Ok(answer.json().unwrap_or_default());
    }
    Err(refused(&answer))
}

fn refused(answer: &Answer) -> Failure {
    #[derive(Deserialize)]
    struct Problem {
        code: String,
        detail: String,
    }
    match answer.json::<Problem>() {
        Some(Problem { code, detail }) => {
            let failure = Failure::failed(format!(
                "the operator's call was refused: {} ({code})",
                detail.trim_end_matches('.')
            ));
            if code == "UNAUTHORIZED" {
                failure.remedy(format!(
                    "set {KEY_VARIABLE}, or name a file: --key-file FILE"
                ))
            } else {
                failure
            }
        }
        None => Failure::failed(format!(
            "the operator's call was answered with {}, and not as Tidegate does",
            answer.status
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_queues_page_is_its_product() {
        let id: QueueId = "lamp".parse().unwrap();
        let report = as_report(json!({
            "config": {"product": {"path": "/lamp"}, "maxActive": 5, "handoffSeconds": 2},
            "snapshot": {"epoch": "01".repeat(16), "entered": 9, "active": 7, "version": 4,
                "serverTime": 1_000, "notice": null, "more": {}},
        }));
        let target = Target::known(&id, false, report.ok());
        assert_eq!(target.page, "/lamp");
        let limits = target.promises().limits;
        assert_eq!(
            (limits.max_active, limits.handoff_seconds),
            (Some(5), Some(2))
        );
        let start = target.start.unwrap().snapshot;
        assert_eq!((start.active, start.server_time), (7, 1_000));
        assert_eq!(Target::known(&id, false, None).page, "/queue/lamp");
    }
}
