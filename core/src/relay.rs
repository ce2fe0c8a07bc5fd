//! A relay: it holds the sockets of a share of the shoppers and tells them what changes, a snapshot
//! at most once a second and a notice at most four times, the last of each always.
//!
//! Nothing of it is stored. Who connects is greeted with the last snapshot. A relay that lost
//! its memory while its sockets slept does not know what they were told, and so tells them what it
//! hears next.

use std::rc::Rc;

use serde_json::json;

use crate::UnixMillis;
use crate::calls::{RelayName, Reply};
use crate::problem::{Code, Problem};
use crate::queue;
use crate::terms::{NOTICE_EVERY_MILLIS, SNAPSHOT_EVERY_MILLIS};
use crate::view::snapshot::{EdgeView, Notice, Snapshot};

pub use crate::terms::{Closing, RELAYS_MAX};

/// How many sockets a relay holds, unless its operator says so. One send costs up to 53 µs,
/// so a notice leaves a full relay within 220 ms, and 256 relays hold a million sockets.
pub const CAPACITY: u32 = 4_000;
/// How long an answer of the queue, good or bad, is passed on; and the shortest time between two
/// questions to it.
const FRESH_MILLIS: u64 = 1_000;
/// A socket that sent no ping for this long is dead.
const SILENT_MILLIS: u64 = 60_000;
/// All who are told to connect again do so at a moment that each picks within this time.
const RECONNECT_WITHIN_MILLIS: u64 = 5_000;
/// The shortest time between two sweeps.
const SWEEP_EVERY_MILLIS: u64 = 10_000;

impl Closing {
    /// The close code, and the reason in words.
    pub const fn frame(self) -> (u16, &'static str) {
        match self {
            Self::Reset => (4001, "the queue was reset: connect again"),
            Self::Deleted => (4004, "the queue was deleted"),
            Self::Silent => (4008, "no ping for 60 seconds: connect again"),
            Self::Talked => (4000, "this socket takes nothing but ping"),
        }
    }

    /// The last message before it: a client hears of a close only when both ends are done with it,
    /// which takes the platform up to ten seconds.
    pub fn message(self) -> String {
        let (code, reason) = self.frame();
        let message = match self {
            Self::Reset => json!({
                "type": "closing",
                "code": code,
                "reason": reason,
                "reconnectWithinMs": RECONNECT_WITHIN_MILLIS,
            }),
            _ => json!({"type": "closing", "code": code, "reason": reason}),
        };
        message.to_string()
    }
}

/// What happens to a relay.
#[derive(Debug)]
pub enum Event {
    /// The queue's answer.
    Heard(Reply<Box<EdgeView>>),
    /// What the queue says unasked: something is new in it.
    Pushed(Box<EdgeView>),
    /// The epoch is over.
    Over(Closing),
    /// Time has passed.
    Wake,
}

/// What a relay does.
#[derive(Debug, PartialEq, Eq)]
pub enum Effect {
    /// Send this to every socket.
    Send(String),
    /// Close every socket.
    CloseAll(Closing),
}

/// A relay in memory.
pub struct Relay {
    name: RelayName,
    capacity: u32,
    sockets: u32,
    /// The last answer, and when it came.
    heard: Option<(UnixMillis, Reply<Box<EdgeView>>)>,
    /// When the queue was asked last.
    asked_at: UnixMillis,
    /// When it asked to be told of changes, too.
    watched_at: UnixMillis,
    /// The queue pushes changes here, as far as this relay knows.
    watching: bool,
    /// The newest state of this epoch that was heard of.
    latest: Option<Snapshot>,
    /// The state that every socket was told; `None` where that is not known.
    shown: Option<Snapshot>,
    shown_at: UnixMillis,
    /// The notice that every socket was told, if that is known.
    noticed: Option<Notice>,
    notice_known: bool,
    noticed_at: UnixMillis,
    /// What a new socket is sent, while it is the same for the next.
    greeting: Option<Rc<str>>,
    over: Option<Closing>,
}

impl Relay {
    /// A relay that knows nothing yet, and holds this many sockets from an earlier memory.
    pub fn new(name: RelayName, capacity: u32, sockets: u32) -> Self {
        Self {
            name,
            capacity,
            sockets,
            heard: None,
            asked_at: 0,
            watched_at: 0,
            watching: false,
            latest: None,
            shown: None,
            shown_at: 0,
            noticed: None,
            notice_known: false,
            noticed_at: 0,
            greeting: None,
            over: None,
        }
    }

    /// Who this is.
    pub fn name(&self) -> &RelayName {
        &self.name
    }

    /// How many sockets it holds, as the queue is told. One that asked to be told a moment ago is
    /// about to hold one, or did; so that it need not ask again at once, it is not given up yet.
    pub fn sockets(&self, now: UnixMillis) -> u32 {
        let lately = self.watching && now.saturating_sub(self.watched_at) < FRESH_MILLIS;
        self.sockets.max(u32::from(lately))
    }

    /// A socket was closed.
    pub fn closed(&mut self) {
        self.sockets = self.sockets.saturating_sub(1);
    }

    /// The sockets were counted.
    pub fn counted(&mut self, sockets: u32) {
        self.sockets = sockets;
    }

    /// Handles what happens at `now`.
    pub fn handle(&mut self, event: Event, now: UnixMillis) -> Vec<Effect> {
        match event {
            Event::Heard(reply) => {
                self.hear(&reply, now);
                if let (false, Some(latest)) = (self.notice_known, &self.latest) {
                    // What was asked for is no news; and the snapshot that is due has the notice,
                    // too.
                    self.noticed.clone_from(&latest.notice);
                    self.notice_known = true;
                }
                self.watching &= reply.is_ok();
                self.heard = Some((now, reply));
            }
            Event::Pushed(view) => {
                let reply = Ok(view);
                self.hear(&reply, now);
                self.watching = self.sockets(now) > 0;
                self.heard = Some((now, reply));
            }
            Event::Over(closing) => self.over = Some(closing),
            Event::Wake => {}
        }
        if let (Some(closing), true) = (self.over, self.sockets > 0) {
            self.sockets = 0;
            return vec![Effect::CloseAll(closing)];
        }
        let mut effects = Vec::new();
        if self.notice_due().is_some_and(|at| at <= now)
            && let Some(latest) = &self.latest
        {
            effects.push(Effect::Send(notice_message(latest)));
            self.noticed.clone_from(&latest.notice);
            self.notice_known = true;
            self.noticed_at = now;
        }
        if self.snapshot_due().is_some_and(|at| at <= now) {
            effects.extend(
                self.greeting()
                    .map(|message| Effect::Send(message.to_string())),
            );
            self.shown.clone_from(&self.latest);
            self.shown_at = now;
        }
        effects
    }

    fn hear(&mut self, reply: &Reply<Box<EdgeView>>, now: UnixMillis) {
        let snapshot = match reply {
            Ok(view) => &view.snapshot,
            Err(problem) if problem.code == Code::QueueNotFound => {
                self.over = Some(Closing::Deleted);
                return;
            }
            // Out of reach for a moment: the sockets keep what they have.
            Err(_) => return,
        };
        if snapshot.epoch != self.name.epoch {
            self.over = Some(Closing::Reset);
            return;
        }
        // A push may overtake an answer. The queue's clock never runs back, and its version grows.
        let age = |snapshot: &Snapshot| (snapshot.server_time, snapshot.version);
        if self
            .latest
            .as_ref()
            .is_some_and(|latest| age(latest) > age(snapshot))
        {
            return;
        }
        if self.sockets == 0 {
            // Who connects next is greeted with this.
            self.shown = Some(snapshot.clone());
            self.shown_at = now;
            self.noticed.clone_from(&snapshot.notice);
            self.notice_known = true;
        }
        self.latest = Some(snapshot.clone());
        self.greeting = None;
    }

    /// When time alone makes it send something.
    pub fn next_timeout(&self) -> Option<UnixMillis> {
        [self.notice_due(), self.snapshot_due()]
            .into_iter()
            .flatten()
            .min()
    }

    fn notice_due(&self) -> Option<UnixMillis> {
        let latest = self.latest.as_ref().filter(|_| self.sockets > 0)?;
        let is_known = self.notice_known && self.noticed == latest.notice;
        (!is_known).then(|| self.noticed_at.saturating_add(NOTICE_EVERY_MILLIS))
    }

    fn snapshot_due(&self) -> Option<UnixMillis> {
        let latest = self.latest.as_ref().filter(|_| self.sockets > 0)?;
        let is_news = self
            .shown
            .as_ref()
            .is_none_or(|shown| shown.looks_other_than(latest));
        is_news.then(|| self.shown_at.saturating_add(SNAPSHOT_EVERY_MILLIS))
    }

    /// What the queue said last.
    pub fn heard(&self) -> Option<&Reply<Box<EdgeView>>> {
        self.heard.as_ref().map(|(_, reply)| reply)
    }

    /// Whether that may be passed on.
    pub fn is_fresh(&self, now: UnixMillis) -> bool {
        self.heard
            .as_ref()
            .is_some_and(|(at, _)| now.saturating_sub(*at) < FRESH_MILLIS)
    }

    /// What to ask the queue at `now`. While it holds sockets, or is about to, it asks to be told
    /// of changes as well.
    pub fn question(&mut self, opening: bool, now: UnixMillis) -> queue::Event {
        self.asked_at = now;
        let sockets = self.sockets.saturating_add(u32::from(opening));
        if sockets == 0 {
            return queue::Event::View;
        }
        self.watching = true;
        self.watched_at = now;
        queue::Event::Watch {
            epoch: self.name.epoch,
            relay: self.name.number,
            sockets,
            capacity: self.capacity,
        }
    }

    /// Whether the queue must be asked before a socket is greeted, and after a sweep: so that it
    /// pushes here, and that a greeting is at most a second old while the queue answers.
    pub fn must_ask(&self, now: UnixMillis) -> bool {
        let rested = now.saturating_sub(self.asked_at) >= FRESH_MILLIS;
        self.over.is_none()
            && match self.heard().filter(|_| self.is_fresh(now)) {
                Some(reply) => reply.is_ok() && !self.watching,
                None => rested || !self.watching || self.latest.is_none(),
            }
    }

    /// Takes one more socket, and says what to greet it with.
    pub fn open(&mut self) -> Result<Rc<str>, Problem> {
        match self.over {
            Some(Closing::Deleted) => {
                return Err(Problem::queue_not_found(self.name.queue.as_str()));
            }
            Some(_) => {
                return Err(Problem::new(
                    Code::TicketVoid,
                    "The queue was reset; connect again.",
                ));
            }
            None => {}
        }
        if self.sockets >= self.capacity {
            return Err(Problem::new(
                Code::ServiceUnavailable,
                format!(
                    "Relay {} holds as many sockets as it may. Connect again after Retry-After, without `relay`, or poll the status meanwhile.",
                    self.name.number
                ),
            ));
        }
        let Some(greeting) = self.greeting() else {
            return Err(match &self.heard {
                Some((_, Err(problem))) => problem.clone(),
                _ => Problem::new(
                    Code::ServiceUnavailable,
                    "The queue is out of reach for a moment; try again.",
                ),
            });
        };
        self.sockets = self.sockets.saturating_add(1);
        Ok(greeting)
    }

    fn greeting(&mut self) -> Option<Rc<str>> {
        if self.greeting.is_none() {
            self.greeting = self.latest.as_ref().map(snapshot_message);
        }
        self.greeting.clone()
    }
}

/// Whether a socket that was last heard of then is dead.
pub fn is_silent(heard_at: UnixMillis, now: UnixMillis) -> bool {
    now.saturating_sub(heard_at) >= SILENT_MILLIS
}

/// When the sockets are swept next, the longest silent of which was last heard of then.
pub fn next_sweep(heard_at: UnixMillis, now: UnixMillis) -> UnixMillis {
    heard_at
        .saturating_add(SILENT_MILLIS)
        .max(now.saturating_add(SWEEP_EVERY_MILLIS))
}

fn snapshot_message(snapshot: &Snapshot) -> Rc<str> {
    let fields = serde_json::to_string(snapshot).unwrap_or_default();
    let fields = fields.strip_prefix('{').unwrap_or("}");
    format!(r#"{{"type":"snapshot",{fields}"#).into()
}

fn notice_message(snapshot: &Snapshot) -> String {
    json!({
        "type": "notice",
        "notice": snapshot.notice,
        "version": snapshot.version,
        "serverTime": snapshot.server_time,
    })
    .to_string()
}
