//! Which queues exist, and what an edge keeps of each: the two facts that most requests need.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use tidegate_core::UnixMillis;
use tidegate_core::calls::QueueCall;
use tidegate_core::calls::{
    DirectoryCall, DirectoryEntry, DirectoryReply, QueueReply, RelayCall, RelayName, RelayReply,
    Reply,
};
use tidegate_core::edge::doors;
use tidegate_core::edge::judging::{Judgement, judge};
use tidegate_core::ids::{Epoch, QueueId};
use tidegate_core::problem::Problem;
use tidegate_core::queue::{Answer, Event};
use tidegate_core::token::ticket::Ticket;
use tidegate_core::view::snapshot::EdgeView;
use tidegate_objects::{DIRECTORY_NAME, binding, stub};
use worker::Delay;

use crate::facts::{SECOND_MILLIS, Seen, Shelf, Slots, Succeeds};
use crate::random;
use crate::site::Site;

thread_local! {
    static DIRECTORY_SLOTS: Slots<Vec<DirectoryEntry>> = RefCell::default();
    static VIEW_SLOTS: Slots<EdgeView> = RefCell::default();
}

static DIRECTORY: Shelf<Vec<DirectoryEntry>> = Shelf {
    name: "directory",
    slots: &DIRECTORY_SLOTS,
};
static VIEWS: Shelf<EdgeView> = Shelf {
    name: "view",
    slots: &VIEW_SLOTS,
};

/// How old the list of queues may be where it names the queue that is asked for.
const DIRECTORY_MILLIS: u64 = 60_000;

impl Succeeds for Vec<DirectoryEntry> {
    fn succeed(&mut self, _older: &Self) {}
}

impl Succeeds for EdgeView {
    /// A lane may have told this edge of boarding that a relay's last snapshot did not see yet.
    fn succeed(&mut self, older: &Self) {
        if self.snapshot.epoch == older.snapshot.epoch {
            self.snapshot.boarding = self.snapshot.boarding.max(older.snapshot.boarding);
            if older.freed_at > self.snapshot.server_time {
                self.place_is_free(older.freed_at);
            }
        }
    }
}

/// A fact is at most this old once it was refreshed this often: memory, cache and relay each keep it
/// for a second.
const LAYERS: u32 = 3;

/// All queues, by a list that is at most `fresh` milliseconds old.
async fn list(site: &Site, fresh: u64) -> Result<Rc<Vec<DirectoryEntry>>, Problem> {
    let source = async || match directory(site, &DirectoryCall::List).await? {
        DirectoryReply::Queues(queues) => Ok(queues),
        DirectoryReply::Done => Ok(Vec::new()),
    };
    Ok(DIRECTORY
        .find(DIRECTORY_NAME, fresh, site, source)
        .await?
        .value)
}

/// All queues.
pub async fn queues(site: &Site) -> Result<Rc<Vec<DirectoryEntry>>, Problem> {
    list(site, SECOND_MILLIS).await
}

/// The present life of a queue, as far as this edge knows. An id that no queue has reaches no object
/// but the directory, and that at most once a second.
async fn epoch(site: &Site, id: &QueueId) -> Result<Epoch, Problem> {
    if let Some(view) = VIEWS.peek(id.as_str()) {
        return Ok(view.snapshot.epoch);
    }
    for fresh in [DIRECTORY_MILLIS, SECOND_MILLIS] {
        let queues = list(site, fresh).await?;
        if let Some(entry) = queues.iter().find(|entry| entry.id == *id) {
            return Ok(entry.epoch);
        }
    }
    Err(Problem::queue_not_found(id.as_str()))
}

/// Refuses an id that no queue has.
pub async fn exists(site: &Site, id: &QueueId) -> Result<(), Problem> {
    epoch(site, id).await.map(|_| ())
}

/// What this edge keeps of a queue, at most a few seconds old while its objects answer.
pub async fn view(site: &Site, id: &QueueId) -> Result<Seen<EdgeView>, Problem> {
    let epoch = epoch(site, id).await?;
    let source = async || {
        let relay = RelayName {
            queue: id.clone(),
            epoch,
            number: some_relay(id),
        };
        let name = relay.object_name();
        let call = RelayCall::View(relay);
        match stub::call(&site.env, binding::RELAY, &name, &call).await? {
            RelayReply::View(view) => Ok(*view),
            RelayReply::Sockets(_) => Err(Problem::unexpected("relay")),
        }
    };
    VIEWS.find(id.as_str(), SECOND_MILLIS, site, source).await
}

/// One of the relays that this edge knows of, so that edges spread over them.
fn some_relay(id: &QueueId) -> u16 {
    let relays = VIEWS
        .peek(id.as_str())
        .map_or(1, |view| view.snapshot.relays);
    among(relays, random::jitter())
}

/// The number that `any` number picks among `relays`.
pub fn among(relays: u16, any: u32) -> u16 {
    let number = any.checked_rem(u32::from(relays)).unwrap_or(0);
    u16::try_from(number).unwrap_or(0)
}

/// The view, where memory has it and this request need not refresh it.
pub fn ready(id: &QueueId, now: UnixMillis) -> Option<Seen<EdgeView>> {
    VIEWS.ready(id.as_str(), SECOND_MILLIS, now)
}

/// Why nobody enters who has no entry, where the view is recent enough to say so.
pub fn entry_refusal(seen: &Seen<EdgeView>) -> Option<Problem> {
    let snapshot = &seen.value.snapshot;
    doors::entry_refusal(snapshot).filter(|_| !seen.stale)
}

/// The last view that memory has.
pub fn known(id: &QueueId) -> Option<Rc<EdgeView>> {
    VIEWS.peek(id.as_str())
}

/// The view of the life that a ticket is of. One that is of another is refreshed until it is surely newer than
/// the ticket, which is void then; where that takes too long, the ticket is not judged.
pub async fn view_for(site: &Site, ticket: &Ticket) -> Result<Seen<EdgeView>, Problem> {
    let judged = |seen: &Seen<EdgeView>| judge(ticket, &seen.value.snapshot, seen.fetched_at);
    let mut seen = view(site, &ticket.queue).await?;
    for _ in 0..LAYERS {
        if judged(&seen) != Judgement::Unsure || seen.stale {
            break;
        }
        let age = VIEWS.age(ticket.queue.as_str()).unwrap_or(1_000);
        Delay::from(Duration::from_millis(1_001_u64.saturating_sub(age))).await;
        seen = view(site, &ticket.queue).await?;
    }
    judged(&seen).check()?;
    Ok(seen)
}

/// Takes what is known of boarding from elsewhere than a snapshot: from a lane, or because somebody of
/// that place was called up. Whoever was told so must not hear from the next snapshot that it is not so,
/// and a lane that is asked with it knows whose entry may have ended.
pub fn boarding_is(id: &QueueId, epoch: Epoch, boarding: u64) {
    VIEWS.amend(id.as_str(), |view| {
        if view.snapshot.epoch == epoch {
            view.snapshot.boarding = view.snapshot.boarding.max(boarding);
        }
    });
}

/// Somebody left, and so there is a place free, which the next snapshot may not know yet.
pub fn place_is_free(id: &QueueId, epoch: Epoch, now: UnixMillis) {
    VIEWS.amend(id.as_str(), |view| {
        if view.snapshot.epoch == epoch {
            view.place_is_free(now);
        }
    });
}

/// Refreshes the view after a change, so that this edge shows it at once.
pub async fn renew(site: &Site, id: &QueueId) -> Result<(), Problem> {
    renew_by(site, id, |entry, since| DirectoryCall::Update {
        entry,
        since,
    })
    .await
}

/// The same of a queue that was just made.
pub async fn renew_made(site: &Site, id: &QueueId) -> Result<(), Problem> {
    renew_by(site, id, |entry, since| DirectoryCall::Confirm {
        entry,
        since,
    })
    .await
}

async fn renew_by(
    site: &Site,
    id: &QueueId,
    call: fn(DirectoryEntry, UnixMillis) -> DirectoryCall,
) -> Result<(), Problem> {
    if let Answer::View(view) = queue(site, id, Event::View).await? {
        let entry = DirectoryEntry {
            id: id.clone(),
            epoch: view.snapshot.epoch,
        };
        let listed = DIRECTORY
            .peek(DIRECTORY_NAME)
            .is_some_and(|queues| queues.contains(&entry));
        if !listed {
            directory(site, &call(entry, view.since)).await?;
        }
        VIEWS.put(site, id.as_str(), *view).await;
        if !listed {
            renew_directory(site).await?;
        }
    }
    Ok(())
}

/// Lists a name before its queue is made; refused where there are too many.
pub async fn reserve(site: &Site, id: &QueueId, epoch: Epoch) -> Result<(), Problem> {
    let id = id.clone();
    let call = DirectoryCall::Reserve(DirectoryEntry { id, epoch });
    directory(site, &call).await.map(|_| ())
}

/// Deletes a queue, and then its name: in the life that was listed and the one that was deleted. A newer one,
/// which somebody else has made meanwhile, stays.
pub async fn delete(site: &Site, id: &QueueId) -> Result<(), Problem> {
    let queues = list(site, SECOND_MILLIS).await?;
    let listed = queues.iter().filter(|entry| entry.id == *id);
    let mut epochs: Vec<Epoch> = listed.map(|entry| entry.epoch).collect();
    if let Answer::Deleted(epoch) = queue(site, id, Event::Delete).await? {
        epochs.push(epoch);
    }
    let id = id.clone();
    VIEWS.forget(id.as_str());
    directory(site, &DirectoryCall::Remove { id, epochs }).await?;
    renew_directory(site).await
}

async fn renew_directory(site: &Site) -> Result<(), Problem> {
    if let DirectoryReply::Queues(queues) = directory(site, &DirectoryCall::List).await? {
        DIRECTORY.put(site, DIRECTORY_NAME, queues).await;
    }
    Ok(())
}

async fn directory(site: &Site, call: &DirectoryCall) -> Reply<DirectoryReply> {
    stub::call(&site.env, binding::DIRECTORY, DIRECTORY_NAME, call).await
}

/// Lets an event happen to a queue.
pub async fn queue(site: &Site, id: &QueueId, event: Event) -> Result<Answer, Problem> {
    match call_queue(site, id, &QueueCall::Event(Box::new(event))).await? {
        QueueReply::Answer(answer) => Ok(answer),
        _ => Ok(Answer::Nothing),
    }
}

/// Calls a Queue object.
pub async fn call_queue(site: &Site, id: &QueueId, call: &QueueCall) -> Reply<QueueReply> {
    stub::call(&site.env, binding::QUEUE, id.as_str(), call).await
}
