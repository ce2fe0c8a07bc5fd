//! The waiting room, `/queue/{id}`: which of its states is shown, and the values in it.

use askama::{Error, Template};
use tidegate_core::UnixMillis;
use tidegate_core::config::Product;
use tidegate_core::ids::EntryKey;
use tidegate_core::view::snapshot::{Level, Notice, Phase, Snapshot};
use tidegate_core::view::status::{Standing, Status};

use crate::assets;
use crate::figures::{self, Moment, number};
use crate::message::Message;
use crate::text::{ENGLISH, Text, fill};

/// The least pause between two reloads without script, in seconds.
const RELOAD_MIN_SECONDS: u64 = 5;

/// An admission to hand over to the checkout.
#[derive(Clone, Copy)]
pub struct Granted<'a> {
    /// The signed token. It stands in a hidden field of a form, and nowhere else.
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

/// The states of the room, each a template in `states/`. The script knows them by [`State::name`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Soon,
    Join,
    Waiting,
    Queued,
    Ready,
    Reserve,
    NotSelected,
    Granted,
    Over,
    SoldOut,
    Closed,
}

impl State {
    fn of(page: &RoomPage<'_>) -> Self {
        let ended = |phase| {
            if phase == Phase::SoldOut {
                Self::SoldOut
            } else {
                Self::Closed
            }
        };
        if page.granted.is_some() {
            return Self::Granted;
        }
        match page.message {
            Some(Message::AdmissionOver) => return Self::Over,
            Some(Message::SoldOut) => return Self::SoldOut,
            Some(Message::Closed) => return Self::Closed,
            _ => {}
        }
        match (page.status.standing, page.status.phase) {
            (Standing::Closed, phase)
            | (Standing::NotQueued, phase @ (Phase::SoldOut | Phase::Closed)) => ended(phase),
            (Standing::NotQueued, Phase::Scheduled) => Self::Soon,
            (Standing::NotQueued, _) => Self::Join,
            (Standing::Waiting, _) => Self::Waiting,
            (Standing::Queued { .. }, _) => Self::Queued,
            (Standing::Ready { .. }, _) => Self::Ready,
            (Standing::Reserve { .. }, _) => Self::Reserve,
            (Standing::NotSelected, _) => Self::NotSelected,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Soon => "soon",
            Self::Join => "join",
            Self::Waiting => "waiting",
            Self::Queued => "queued",
            Self::Ready => "ready",
            Self::Reserve => "reserve",
            Self::NotSelected => "notSelected",
            Self::Granted => "granted",
            Self::Over => "over",
            Self::SoldOut => "soldOut",
            Self::Closed => "closed",
        }
    }

    const fn heading(self, text: &Text) -> &'static str {
        match self {
            Self::Soon => text.soon_heading,
            Self::Join => text.join_heading,
            Self::Waiting => text.waiting_heading,
            Self::Queued => text.queued_heading,
            Self::Ready => text.ready_heading,
            Self::Reserve => text.reserve_heading,
            Self::NotSelected => text.not_selected_heading,
            Self::Granted => text.granted_heading,
            Self::Over => text.over_heading,
            Self::SoldOut => text.sold_out_heading,
            Self::Closed => text.closed_heading,
        }
    }

    /// Whether the shopper has a place.
    const fn in_line(self) -> bool {
        matches!(
            self,
            Self::Waiting | Self::Queued | Self::Ready | Self::Reserve
        )
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

#[derive(Template)]
#[template(path = "room.html")]
struct RoomTemplate<'a> {
    text: &'static Text,
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
    ahead: String,
    ahead_label: &'static str,
    ahead_count: u64,
    position: String,
    /// On the reserve list: how many places must come free.
    rank: String,
    front: String,
    tide_width: u32,
    wait: String,
    /// Called up, claimed, and not admitted yet.
    present: bool,
    /// Whether there is something to claim now.
    claimable: bool,
    join_wait: Option<String>,
    /// Where the order can be checked, in a queue that has an opening.
    check_path: Option<String>,
    entry_opens: Option<Moment>,
    opens: Option<Moment>,
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
        let state = State::of(page);
        let name = product.map_or(text.waiting_room, |product| product.name.as_str());
        let moving = !status.stale && status.phase != Phase::Paused;
        let (position, ahead_count, seconds) = match status.standing {
            Standing::Queued {
                position,
                ahead,
                estimated_wait_seconds,
                wait_known,
            } => (
                position,
                ahead,
                estimated_wait_seconds.filter(|_| wait_known && moving),
            ),
            Standing::Ready { position, .. } => (position, 0, None),
            _ => (0, 0, None),
        };
        let rank = match status.standing {
            Standing::Reserve { rank, .. } => rank,
            _ => 0,
        };
        let collect = matches!(status.standing, Standing::Ready { collect: true, .. });
        // The queue itself said so just now: the snapshot may be older than their claim.
        let present = message == Some(Message::Boarding);
        let ahead = number(ahead_count);
        let front = number(position.saturating_sub(ahead_count));
        let title = if state == State::Queued {
            fill(text.title_queued, &[("ahead", &ahead), ("product", name)])
        } else {
            fill(
                text.title_other,
                &[("state", state.heading(text)), ("product", name)],
            )
        };
        let join_wait = (snapshot.wait_known && snapshot.phase == Phase::Open && !status.stale)
            .then(|| figures::wait(text, snapshot.estimated_wait_seconds));
        let notice = snapshot
            .notice
            .as_ref()
            .map(|notice| Announcement::new(notice, text));
        Self {
            text,
            state,
            id: snapshot.id.as_str(),
            title,
            name,
            product,
            to_product: fill(text.to_product, &[("product", name)]),
            notice,
            said: message.and_then(|message| message.sentence(text, state.in_line())),
            poll_after_ms: status.poll_after_ms,
            phase: status.phase,
            stale: status.stale,
            // Whoever has only to press the button is left in peace.
            reload: (state.in_line() && (!collect || present || !moving))
                .then(|| (status.poll_after_ms / 1000).max(RELOAD_MIN_SECONDS)),
            ahead_label: text.ahead_label(ahead_count),
            ahead,
            ahead_count,
            front: fill(text.front, &[("front", &front)]),
            position: number(position),
            rank: number(rank),
            tide_width: figures::tide_width(position, ahead_count),
            wait: figures::wait(text, seconds),
            present,
            claimable: status.phase != Phase::Paused,
            join_wait,
            check_path: (snapshot.shuffle.commitment)
                .map(|_| format!("/verify?queue={}", snapshot.id)),
            entry_opens: snapshot.entry_opens_at.map(Moment::day),
            opens: snapshot.opens_at.map(Moment::day),
            updated: Moment::clock(status.server_time),
            entry_key,
            token: granted.map_or("", |granted| granted.handoff_token),
            checkout_url: granted.map_or(&*snapshot.checkout_url, |granted| granted.checkout_url),
            expires: Moment::clock(granted.map_or(0, |granted| granted.expires_at)),
        }
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
