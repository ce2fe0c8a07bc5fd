//! Which of its states the room is in.

use tidegate_core::config::Access;
use tidegate_core::edge::message::Message;
use tidegate_core::view::snapshot::Phase;
use tidegate_core::view::status::Standing;

use super::RoomPage;
use crate::text::Text;

/// The states of the room, each a template in `states/`. The script knows them by [`State::name`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Entry is to open.
    Soon,
    /// Entry is open.
    Join,
    /// A draw, for those who did not enter in time.
    EntryClosed,
    /// Entered, before the opening.
    Waiting,
    /// The entrants are fixed, and their order follows from randomness that is to come.
    Sealing,
    /// In line.
    Queued,
    /// Called up.
    Ready,
    /// In a draw: next if places lapse.
    Reserve,
    /// In a draw that is over: was never called up.
    NotSelected,
    /// Admitted.
    Granted,
    /// The admission was used or ran out.
    Over,
    /// In a draw: did not come for the place in time.
    Lapsed,
    /// Everything is sold.
    SoldOut,
    /// The queue is over.
    Closed,
}

impl State {
    pub(super) fn of(page: &RoomPage<'_>) -> Self {
        let (standing, phase) = (page.status.standing, page.status.phase);
        let is_draw = page.snapshot.access == Access::Draw;
        let ended = if phase == Phase::SoldOut {
            Self::SoldOut
        } else {
            Self::Closed
        };
        let is_over = matches!(phase, Phase::SoldOut | Phase::Closed);
        if page.granted.is_some() {
            return Self::Granted;
        }
        match page.message {
            Some(Message::AdmissionOver) => return Self::Over,
            Some(Message::Lapsed) => return Self::Lapsed,
            Some(Message::SoldOut) => return Self::SoldOut,
            // What closed for somebody outside is the entry, maybe since this snapshot.
            Some(Message::Closed) if is_draw && !is_over && standing == Standing::NotQueued => {
                return Self::EntryClosed;
            }
            Some(Message::Closed) => return Self::Closed,
            _ => {}
        }
        match (standing, phase) {
            (Standing::Closed, _) | (Standing::NotQueued, Phase::SoldOut | Phase::Closed) => ended,
            (Standing::NotQueued, Phase::Scheduled) => Self::Soon,
            (Standing::NotQueued, Phase::Sealing | Phase::Open | Phase::Paused) if is_draw => {
                Self::EntryClosed
            }
            (Standing::NotQueued, _) => Self::Join,
            (Standing::Waiting, Phase::Sealing) => Self::Sealing,
            (Standing::Waiting, _) => Self::Waiting,
            (Standing::Queued { .. }, _) => Self::Queued,
            // Admissions that are still to be collected are found before this page is made.
            (Standing::Ready { .. }, _)
                if is_draw && is_over && page.message != Some(Message::Unreachable) =>
            {
                ended
            }
            (Standing::Ready { .. }, _) => Self::Ready,
            // Those who came in time wait for a slot, also when the time is over.
            (Standing::Lapsed { .. }, _) if page.message == Some(Message::Boarding) => Self::Ready,
            (Standing::Lapsed { .. }, _) => Self::Lapsed,
            (Standing::Reserve { .. }, _) => Self::Reserve,
            (Standing::NotSelected, _) => Self::NotSelected,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Soon => "soon",
            Self::Join => "join",
            Self::EntryClosed => "entryClosed",
            Self::Waiting => "waiting",
            Self::Sealing => "sealing",
            Self::Queued => "queued",
            Self::Ready => "ready",
            Self::Reserve => "reserve",
            Self::NotSelected => "notSelected",
            Self::Granted => "granted",
            Self::Over => "over",
            Self::Lapsed => "lapsed",
            Self::SoldOut => "soldOut",
            Self::Closed => "closed",
        }
    }

    pub(super) const fn heading(self, text: &Text, access: Access) -> &'static str {
        let words = text.of(access);
        match self {
            Self::Soon => text.soon_heading,
            Self::Join => words.join_heading,
            Self::EntryClosed => text.entry_closed_heading,
            Self::Waiting => words.waiting_heading,
            Self::Sealing => words.sealing_heading,
            Self::Queued => text.queued_heading,
            Self::Ready => words.ready_heading,
            Self::Reserve => text.reserve_heading,
            Self::NotSelected => text.not_selected_heading,
            Self::Granted => text.granted_heading,
            Self::Over => text.over_heading,
            Self::Lapsed => text.lapsed_heading,
            Self::SoldOut => text.sold_out_heading,
            Self::Closed => words.closed_heading,
        }
    }

    /// Whether the shopper has a place, or may get one.
    pub(super) const fn in_line(self) -> bool {
        matches!(
            self,
            Self::Waiting | Self::Sealing | Self::Queued | Self::Ready | Self::Reserve
        )
    }

    /// Whether it matters here that the order was fair.
    pub(super) const fn has_order(self) -> bool {
        matches!(
            self,
            Self::Queued
                | Self::Ready
                | Self::Reserve
                | Self::NotSelected
                | Self::Over
                | Self::Lapsed
                | Self::SoldOut
                | Self::Closed
        )
    }
}
