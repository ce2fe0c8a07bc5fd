//! Which queues exist, and what an edge keeps of each: the two facts that most requests need.

use std::rc::Rc;

use super::freshness::{SECOND_MILLIS, Seen, Succeeds};
use crate::UnixMillis;
use crate::calls::{
    DirectoryCall, DirectoryEntry, DirectoryReply, QueueCall, QueueReply, RelayCall, RelayName,
    RelayReply, Reply,
};
use crate::edge::context::Context;
use crate::edge::doors;
use crate::edge::judging::{Judgement, judge};
use crate::edge::pending::Object;
use crate::ids::{Epoch, QueueId};
use crate::problem::Problem;
use crate::queue::{Answer, Event};
use crate::token::ticket::Ticket;
use crate::view::snapshot::EdgeView;

/// The name of the one Directory object, and of the fact that it is asked for.
const DIRECTORY: &str = "directory";
/// How old the list of queues may be where it names the queue that is asked for.
const DIRECTORY_MILLIS: u64 = 60_000;
/// A fact is at most this old once it was refreshed this often: memory, cache and relay each keep
/// it for a second.
const LAYERS: u32 = 3;

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

/// Why nobody enters who has no entry, where the view is recent enough to say so.
pub(in crate::edge) fn entry_refusal(seen: &Seen<EdgeView>) -> Option<Problem> {
    let refusal = doors::entry_refusal(&seen.value.snapshot);
    refusal.filter(|_| !seen.stale).map(Problem::from)
}

/// The number that `any` number picks among `relays`.
pub(in crate::edge) fn among(relays: u16, any: u32) -> u16 {
    let number = any.checked_rem(u32::from(relays)).unwrap_or(0);
    u16::try_from(number).unwrap_or(0)
}

impl Context {
    /// All queues, by a list that is at most `fresh` milliseconds old.
    async fn list(&self, fresh: u64) -> Result<Rc<Vec<DirectoryEntry>>, Problem> {
        let source = async || match self.directory(&DirectoryCall::List).await? {
            DirectoryReply::Queues(queues) => Ok(queues),
            DirectoryReply::Done => Ok(Vec::new()),
        };
        let found = self
            .find(&self.isolate.directory, DIRECTORY, fresh, source)
            .await;
        Ok(found?.value)
    }

    /// All queues.
    pub(in crate::edge) async fn queues(&self) -> Result<Rc<Vec<DirectoryEntry>>, Problem> {
        self.list(SECOND_MILLIS).await
    }

    /// The present epoch of a queue, as far as this edge knows. An id that no queue has reaches no
    /// object but the directory, and that at most once a second.
    async fn epoch(&self, id: &QueueId) -> Result<Epoch, Problem> {
        if let Some(view) = self.isolate.views.peek(id.as_str()) {
            return Ok(view.snapshot.epoch);
        }
        for fresh in [DIRECTORY_MILLIS, SECOND_MILLIS] {
            let queues = self.list(fresh).await?;
            if let Some(entry) = queues.iter().find(|entry| entry.id == *id) {
                return Ok(entry.epoch);
            }
        }
        Err(Problem::queue_not_found(id.as_str()))
    }

    /// Refuses an id that no queue has.
    pub(in crate::edge) async fn exists(&self, id: &QueueId) -> Result<(), Problem> {
        self.epoch(id).await.map(|_| ())
    }

    /// What this edge keeps of a queue, at most a few seconds old while its objects answer.
    pub(in crate::edge) async fn view(&self, id: &QueueId) -> Result<Seen<EdgeView>, Problem> {
        let views = &self.isolate.views;
        if let Some(seen) = views.at_hand(id.as_str(), SECOND_MILLIS, self.now()) {
            return Ok(seen);
        }
        // On the heap, for most requests are served from memory, and carry it in vain.
        Box::pin(self.fetched_view(id)).await
    }

    async fn fetched_view(&self, id: &QueueId) -> Result<Seen<EdgeView>, Problem> {
        let epoch = self.epoch(id).await?;
        let source = async || {
            let relay = RelayName {
                queue: id.clone(),
                epoch,
                number: self.some_relay(id),
            };
            let name = relay.object_name();
            match self
                .ask(Object::Relay, &name, &RelayCall::View(relay))
                .await?
            {
                RelayReply::View(view) => Ok(*view),
                RelayReply::Sockets(_) => Err(Problem::unexpected("relay")),
            }
        };
        let views = &self.isolate.views;
        self.find(views, id.as_str(), SECOND_MILLIS, source).await
    }

    /// What is known by now instead of a view that was taken before an object was asked: that may
    /// have taken seconds, and others may have been shown a newer one meanwhile.
    pub(in crate::edge) fn newest(&self, seen: &Seen<EdgeView>) -> Seen<EdgeView> {
        let snapshot = &seen.value.snapshot;
        let views = &self.isolate.views;
        let last = views.last(snapshot.id.as_str(), SECOND_MILLIS, self.now());
        last.filter(|last| last.value.snapshot.epoch == snapshot.epoch)
            .unwrap_or_else(|| seen.clone())
    }

    /// One of the relays that this edge knows of, so that edges spread over them.
    fn some_relay(&self, id: &QueueId) -> u16 {
        let view = self.isolate.views.peek(id.as_str());
        let relays = view.map_or(1, |view| view.snapshot.relays);
        among(relays, self.isolate.jitter())
    }

    /// The view of the epoch that a ticket is of. One that is of another is refreshed until it is
    /// surely newer than the ticket, which is void then; where that takes too long, the ticket is
    /// not judged.
    pub(in crate::edge) async fn view_for(
        &self,
        ticket: &Ticket,
    ) -> Result<Seen<EdgeView>, Problem> {
        let judged = |seen: &Seen<EdgeView>| judge(ticket, &seen.value.snapshot, seen.fetched_at);
        let mut seen = self.view(&ticket.queue).await?;
        for _ in 0..LAYERS {
            if judged(&seen) != Judgement::Unsure || seen.stale {
                break;
            }
            let age = self.now().saturating_sub(seen.fetched_at);
            self.sleep(1_001_u64.saturating_sub(age)).await;
            seen = self.view(&ticket.queue).await?;
        }
        judged(&seen).check()?;
        Ok(seen)
    }

    /// Takes what is known of boarding from elsewhere than a snapshot: from a lane, or because
    /// somebody of that position was called up. Who was told so must not hear from the next
    /// snapshot that it is not so, and a lane that is asked with it knows whose entry may have
    /// ended.
    pub(in crate::edge) fn boarding_is(&self, id: &QueueId, epoch: Epoch, boarding: u64) {
        let views = &self.isolate.views;
        let known = views.peek(id.as_str());
        let is_news =
            |view: &EdgeView| view.snapshot.epoch == epoch && view.snapshot.boarding < boarding;
        if known.is_some_and(|view| is_news(&view)) {
            views.amend(id.as_str(), |view| view.snapshot.boarding = boarding);
        }
    }

    /// Somebody left, and so there is a place free, which the next snapshot may not know yet.
    pub(in crate::edge) fn place_is_free(&self, id: &QueueId, epoch: Epoch) {
        let now = self.now();
        self.isolate.views.amend(id.as_str(), |view| {
            if view.snapshot.epoch == epoch {
                view.place_is_free(now);
            }
        });
    }

    /// Refreshes the view after a change, so that this edge shows it at once.
    pub(in crate::edge) async fn renew(&self, id: &QueueId) -> Result<(), Problem> {
        self.renew_by(id, |entry, since| DirectoryCall::Update { entry, since })
            .await
    }

    /// The same of a queue that was just made.
    pub(in crate::edge) async fn renew_made(&self, id: &QueueId) -> Result<(), Problem> {
        self.renew_by(id, |entry, since| DirectoryCall::Confirm { entry, since })
            .await
    }

    async fn renew_by(
        &self,
        id: &QueueId,
        call: fn(DirectoryEntry, UnixMillis) -> DirectoryCall,
    ) -> Result<(), Problem> {
        let Answer::View(view) = self.queue(id, Event::View).await? else {
            return Ok(());
        };
        let entry = DirectoryEntry {
            id: id.clone(),
            epoch: view.snapshot.epoch,
        };
        let queues = self.isolate.directory.peek(DIRECTORY);
        let listed = queues.is_some_and(|queues| queues.contains(&entry));
        if !listed {
            self.directory(&call(entry, view.since)).await?;
        }
        self.put(&self.isolate.views, id.as_str(), *view).await;
        if !listed {
            self.renew_directory().await?;
        }
        Ok(())
    }

    /// Lists a name before its queue is made; refused where there are too many.
    pub(in crate::edge) async fn reserve(&self, id: &QueueId, epoch: Epoch) -> Result<(), Problem> {
        let id = id.clone();
        let call = DirectoryCall::Reserve(DirectoryEntry { id, epoch });
        self.directory(&call).await.map(|_| ())
    }

    /// Deletes a queue, and then its name: in the epoch that was listed and the one that was
    /// deleted. A newer one, which somebody has made meanwhile, stays.
    pub(in crate::edge) async fn delete(&self, id: &QueueId) -> Result<(), Problem> {
        let queues = self.list(SECOND_MILLIS).await?;
        let listed = queues.iter().filter(|entry| entry.id == *id);
        let mut epochs: Vec<Epoch> = listed.map(|entry| entry.epoch).collect();
        if let Answer::Deleted(epoch) = self.queue(id, Event::Delete).await? {
            epochs.push(epoch);
        }
        let id = id.clone();
        self.isolate.views.forget(id.as_str());
        self.directory(&DirectoryCall::Remove { id, epochs })
            .await?;
        self.renew_directory().await
    }

    async fn renew_directory(&self) -> Result<(), Problem> {
        if let DirectoryReply::Queues(queues) = self.directory(&DirectoryCall::List).await? {
            self.put(&self.isolate.directory, DIRECTORY, queues).await;
        }
        Ok(())
    }

    async fn directory(&self, call: &DirectoryCall) -> Reply<DirectoryReply> {
        self.ask(Object::Directory, DIRECTORY, call).await
    }

    /// Lets an event happen to a queue.
    pub(in crate::edge) async fn queue(&self, id: &QueueId, event: Event) -> Reply<Answer> {
        match self
            .call_queue(id, &QueueCall::Event(Box::new(event)))
            .await?
        {
            QueueReply::Answer(answer) => Ok(answer),
            _ => Ok(Answer::Nothing),
        }
    }

    /// Calls a Queue object.
    pub(in crate::edge) async fn call_queue(
        &self,
        id: &QueueId,
        call: &QueueCall,
    ) -> Reply<QueueReply> {
        self.ask(Object::Queue, id.as_str(), call).await
    }
}
