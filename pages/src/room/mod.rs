//! The waiting room, `/queue/{id}`: which of its states is shown, and the values in it.

mod state;

use askama::{Error, Template};
use tidegate_core::UnixMillis;
use tidegate_core::config::{Access, Product};
use tidegate_core::edge::message::Message;
use tidegate_core::fair::Root;
use tidegate_core::ids::EntryKey;
use tidegate_core::view::snapshot::{Level, Notice, Phase, Snapshot};
use tidegate_core::view::status::{Standing, Status};

use crate::assets;
use crate::figures::{self, Moment, number};
use crate::message::sentence;
use crate::text::{ENGLISH, Text, Wording, fill};
use state::State;

/// The least pause between two reloads without script, in seconds.
const RELOAD_MIN_SECONDS: u64 = 5;
/// How long after a place has lapsed everybody hears of it: a view of the queue may be so old.
const DEADLINE_SLACK_SECONDS: u64 = 5;
/// A wait that reads as a promise.
const SHORT_SECONDS: u64 = 60;
/// How long after the opening the randomness is late. It is due after half a minute.
const SEALING_LATE_MILLIS: u64 = 90_000;

/// An admission to hand over to the checkout.
#[derive(Clone, Copy)]
pub struct Granted<'a> {
    /// The signed token. It stands in a hidden field of a form alone.
    pub handoff_token: &'a str,
    /// Where the form goes: a path on this site or an `http(s)` URL.
    pub checkout_url: &'a str,
    /// Until when the checkout takes the token.
    pub expires_at: UnixMillis,
}

/// All that the waiting room is made of. It is one shopper's: never cache what it renders.
#[derive(Clone, Copy)]
pub struct RoomPage<'a> {
    /// The queue as last seen.
    pub snapshot: &'a Snapshot,
    /// What is on sale.
    pub product: Option<&'a Product>,
    /// Where the shopper stands.
    pub status: &'a Status,
    /// An admission, when a claim has just given one: the page then is the way to the checkout.
    pub granted: Option<Granted<'a>>,
    /// What a form post ended with.
    pub message: Option<Message>,
    /// 16 fresh random bytes for the form that joins: sent twice, it makes one entry.
    pub entry_key: Option<EntryKey>,
}

impl RoomPage<'_> {
    /// The page as HTML.
    pub fn render(&self) -> Result<String, Error> {
        RoomTemplate::new(self, &ENGLISH).render()
    }
}

/// The operator's notice, with how loudly it speaks in words and in colour.
struct Announcement<'a> {
    class: &'static str,
    label: &'static str,
    words: &'a str,
}

impl<'a> Announcement<'a> {
    fn new(notice: &'a Notice, text: &Text) -> Self {
        let (class, label) = match notice.level {
            Level::Info => ("info", text.notice_info),
            Level::Warning => ("warning", text.notice_warning),
            Level::Critical => ("critical", text.notice_critical),
        };
        Self {
            class,
            label,
            words: &notice.text,
        }
    }
}

/// How the order is or was drawn.
struct Drawing {
    /// The round and the root that decide it.
    by: Option<(u64, Root)>,
    /// Whether the round keeps everybody waiting.
    is_late: bool,
    /// Whether the order is known, so that it can be checked.
    is_done: bool,
}

/// What somebody who joins now may expect. Others may join before them, and this view may be some
/// seconds old: without a rate nothing short is promised.
fn join_wait(snapshot: &Snapshot, text: &Text) -> Option<String> {
    let range = snapshot
        .wait_range
        .filter(|_| snapshot.phase == Phase::Open)?;
    if snapshot.estimated_wait_seconds == Some(0) {
        return Some(text.join_nobody.to_owned());
    }
    let is_short = range
        .at_most_seconds
        .is_some_and(|most| most <= SHORT_SECONDS);
    if is_short && snapshot.rate_per_second.is_none() {
        return None;
    }
    let wait = figures::wait(text, Some(range));
    (wait != text.wait_unknown).then_some(wait)
}

#[derive(Template)]
#[template(path = "room.html")]
struct RoomTemplate<'a> {
    text: &'static Text,
    words: &'static Wording,
    access: Access,
    state: State,
    id: &'a str,
    title: String,
    /// What is on sale; where that is not known, the room's own name.
    name: &'a str,
    product: Option<&'a Product>,
    to_product: String,
    notice: Option<Announcement<'a>>,
    said: Option<&'static str>,
    poll_after_ms: u64,
    phase: Phase,
    stale: bool,
    /// The seconds between two reloads without script.
    reload: Option<u64>,
    drawing: Drawing,
    ahead: String,
    ahead_label: &'static str,
    /// How many are ahead, or, on the reserve list, how many places must come free.
    count: u64,
    position: String,
    /// On the reserve list: the number on it, and what it means.
    rank: String,
    need: String,
    front: String,
    tide_width: u32,
    wait: String,
    /// Called up, claimed, and not admitted yet.
    present: bool,
    /// In a draw, when the place lapses, and the same for the script.
    claim_by: Option<Moment>,
    claim_by_at: Option<UnixMillis>,
    join_wait: Option<String>,
    entry_opens: Option<Moment>,
    opens: Option<Moment>,
    opens_at: UnixMillis,
    closes: Option<Moment>,
    updated: Moment,
    entry_key: Option<EntryKey>,
    token: &'a str,
    checkout_url: &'a str,
    expires: Moment,
}

impl<'a> RoomTemplate<'a> {
    fn new(page: &RoomPage<'a>, text: &'static Text) -> Self {
        let RoomPage {
            snapshot,
            product,
            status,
            granted,
            message,
            entry_key,
        } = *page;
        let (state, access) = (State::of(page), snapshot.access);
        let words = text.of(access);
        let name = product.map_or(text.waiting_room, |product| product.name.as_str());
        let moving = !status.stale && status.phase != Phase::Paused;
        let (position, ahead_count, called, range) = match status.standing {
            Standing::Queued {
                position,
                ahead,
                boarding,
                wait_range,
                ..
            } => (position, ahead, boarding, Some(wait_range)),
            Standing::Ready { position, .. } | Standing::Lapsed { position, .. } => {
                (position, 0, position, None)
            }
            _ => (0, 0, 0, None),
        };
        let rank = match status.standing {
            Standing::Reserve { rank, .. } => rank,
            _ => 0,
        };
        let opens_at = snapshot.opens_at.unwrap_or(status.server_time);
        let collect = matches!(status.standing, Standing::Ready { collect: true, .. });
        let claim_by = match status.standing {
            Standing::Ready { claim_by, .. } => claim_by,
            _ => None,
        };
        // The queue itself said so just now: the snapshot may be older than their claim.
        let present = message == Some(Message::Boarding);
        // A winner takes the place when they choose to, within the window.
        let rests = collect || (state == State::Ready && access == Access::Draw);
        let ahead = number(ahead_count);
        let listed = number(rank);
        let (title, value) = match state {
            State::Queued => (text.title_queued, ("ahead", &*ahead)),
            State::Reserve => (text.title_reserve, ("rank", &*listed)),
            _ => (text.title_other, ("state", state.heading(text, access))),
        };
        let title = fill(title, &[value, ("product", name)]);
        let notice = snapshot
            .notice
            .as_ref()
            .map(|notice| Announcement::new(notice, text));
        Self {
            text,
            words,
            access,
            state,
            id: snapshot.id.as_str(),
            title,
            name,
            product,
            to_product: fill(text.to_product, &[("product", name)]),
            notice,
            said: message.and_then(|message| sentence(message, text, words, state.in_line())),
            poll_after_ms: status.poll_after_ms,
            phase: status.phase,
            stale: status.stale,
            reload: reload(status, claim_by, rests && !present && moving)
                .filter(|_| state.in_line()),
            drawing: Drawing {
                by: snapshot.shuffle.beacon_round.zip(snapshot.shuffle.root),
                is_late: status.server_time.saturating_sub(opens_at) > SEALING_LATE_MILLIS,
                is_done: snapshot.shuffle.seed.is_some(),
            },
            ahead_label: text.ahead_label(ahead_count),
            ahead,
            count: ahead_count.max(rank),
            front: match called {
                0 => text.front_none.to_owned(),
                _ => fill(text.front, &[("front", &number(called))]),
            },
            position: number(position),
            need: fill(text.reserve_need(rank), &[("rank", &listed)]),
            rank: listed,
            tide_width: figures::tide_width(position, ahead_count),
            wait: figures::wait(text, range.filter(|_| moving)),
            present,
            claim_by: claim_by.map(Moment::day),
            claim_by_at: claim_by,
            join_wait: join_wait(snapshot, text).filter(|_| !status.stale),
            entry_opens: snapshot.entry_opens_at.map(Moment::day),
            opens: snapshot.opens_at.map(Moment::day),
            opens_at,
            closes: snapshot.closes_at.map(Moment::day),
            updated: Moment::clock(status.server_time),
            entry_key,
            token: granted.map_or("", |granted| granted.handoff_token),
            checkout_url: granted.map_or(&*snapshot.checkout_url, |granted| granted.checkout_url),
            expires: Moment::clock(granted.map_or(0, |granted| granted.expires_at)),
        }
    }

    /// Whether a place can be claimed now.
    const fn claimable(&self) -> bool {
        !matches!(self.phase, Phase::Paused)
    }

    const fn is_draw(&self) -> bool {
        matches!(self.access, Access::Draw)
    }

    /// How the script knows the phase, as the status names it.
    const fn phase_name(&self) -> &'static str {
        match self.phase {
            Phase::Scheduled => "scheduled",
            Phase::Entry => "entry",
            Phase::Sealing => "sealing",
            Phase::Open => "open",
            Phase::Paused => "paused",
            Phase::SoldOut => "soldOut",
            Phase::Closed => "closed",
        }
    }
}

/// The seconds between two reloads without script. Somebody who has only to press the button is
/// left in peace until it is too late for that.
fn reload(status: &Status, claim_by: Option<UnixMillis>, rests: bool) -> Option<u64> {
    if !rests {
        return Some((status.poll_after_ms / 1000).max(RELOAD_MIN_SECONDS));
    }
    let left = claim_by?.saturating_sub(status.server_time) / 1000;
    Some(left.saturating_add(DEADLINE_SLACK_SECONDS))
}
