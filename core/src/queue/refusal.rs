//! Why the queue refuses, and what is said of it. The machine knows no codes of HTTP: a [`Problem`]
//! is made of its refusal as the answer leaves it.

use crate::UnixMillis;
use crate::ids::AdmissionId;
use crate::problem::{Code, Problem};
use crate::queue::state::claim::ClaimState;
use crate::view::snapshot::{NO_AUDIT, not_open};

/// When to claim again where there is no room for one more who is present.
const NO_ROOM_SECONDS: u32 = 30;
/// When to ask again for a fairness report that is being made.
const REPORT_SECONDS: u32 = 2;

/// A refusal of the queue's.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is told below, in a sentence")]
pub enum Refusal {
    NoQueue,
    /// A configuration, or an id, that is not valid.
    Invalid(Problem),
    NoticeLength,
    ClosedAlready,
    PastClosing,
    AllSold,
    DrawOver,
    NoSuchLane,
    LeasedAlready {
        lane: u16,
        sequence: u64,
    },
    EntryNotOpen {
        at: UnixMillis,
        now: UnixMillis,
    },
    DrawHeld,
    Full,
    Closed,
    SoldOut,
    Reset,
    NeverGiven,
    NoPlaceYet,
    NotCalledUp {
        position: u64,
    },
    Paused,
    Lapsed,
    NoRoom,
    Held(ClaimState),
    AtCheckout,
    NoAdmission(AdmissionId),
    AdmissionReset,
    AdmissionOver(ClaimState),
    NotRedeemed,
    AlreadyRedeemed,
    LastPieceSold,
    LastPiecePromised,
    Completed,
    NoAuditYet {
        at: UnixMillis,
        now: UnixMillis,
    },
    NoSuchPage,
    NotOver,
    ReportUnderWay,
    NoSuchRelay,
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Invalid(problem)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Invalid(problem) => problem,
            Refusal::EntryNotOpen { at, now } | Refusal::NoAuditYet { at, now } => {
                not_open(at, now, &refusal.said())
            }
            _ => {
                let problem = Self::new(refusal.code(), refusal.said());
                let again = refusal.retry_after_seconds();
                Self {
                    retry_after_seconds: again.or(problem.retry_after_seconds),
                    ..problem
                }
            }
        }
    }
}

impl Refusal {
    /// The code that stands for it outside.
    pub fn code(&self) -> Code {
        match self {
            Self::Invalid(problem) => problem.code,
            Self::NoticeLength | Self::NoSuchLane | Self::NoSuchRelay => Code::ValidationError,
            Self::NeverGiven => Code::Unauthorized,
            Self::Reset => Code::TicketVoid,
            Self::NoAdmission(_) | Self::NoSuchPage => Code::NotFound,
            Self::NoQueue => Code::QueueNotFound,
            Self::NoPlaceYet | Self::NotCalledUp { .. } | Self::NoRoom => Code::NotYetServed,
            Self::AlreadyRedeemed => Code::AlreadyRedeemed,
            Self::Paused => Code::Paused,
            Self::ClosedAlready
            | Self::PastClosing
            | Self::AllSold
            | Self::DrawOver
            | Self::LeasedAlready { .. }
            | Self::AtCheckout
            | Self::NotRedeemed
            | Self::Completed
            | Self::NotOver => Code::Conflict,
            Self::Lapsed
            | Self::Held(_)
            | Self::AdmissionReset
            | Self::AdmissionOver(_)
            | Self::LastPiecePromised => Code::AdmissionExpired,
            Self::Closed | Self::DrawHeld => Code::QueueClosed,
            Self::SoldOut | Self::LastPieceSold => Code::SoldOut,
            Self::EntryNotOpen { .. } | Self::NoAuditYet { .. } => Code::NotOpen,
            Self::Full => Code::QueueFull,
            Self::ReportUnderWay => Code::ServiceUnavailable,
        }
    }

    fn retry_after_seconds(&self) -> Option<u32> {
        match self {
            Self::NoRoom => Some(NO_ROOM_SECONDS),
            Self::ReportUnderWay => Some(REPORT_SECONDS),
            _ => None,
        }
    }

    fn said(&self) -> String {
        let said = match self {
            Self::LeasedAlready { lane, sequence } => {
                return format!("Lane {lane} leased group {sequence} already.");
            }
            Self::NotCalledUp { position } => {
                let place = position.saturating_add(1);
                return format!("Place {place} is not called up yet.");
            }
            Self::NoAdmission(id) => return format!("There is no admission {id}."),
            Self::AdmissionOver(state) => {
                return format!("The admission is over: it was {}.", state.name());
            }
            Self::Invalid(problem) => &problem.detail,
            Self::NoQueue => "There is no such queue.",
            Self::NoticeLength => "text: must have 1 to 500 characters",
            Self::ClosedAlready => {
                "The queue is closed; reopen it first, or reset it to begin again."
            }
            Self::PastClosing => {
                "The queue cannot be reopened: its closesAt has passed. A later closesAt \
                 comes first; a draw that is over stays over."
            }
            Self::AllSold => {
                "The queue cannot be reopened: everything is sold. A larger maxAdmissions \
                 comes first; a draw that is over stays over."
            }
            Self::DrawOver => "The draw is over; reset the queue to hold another.",
            Self::NoSuchLane => "no such lane, or a group of an impossible size",
            Self::EntryNotOpen { .. } => "Entry is not open yet.",
            Self::DrawHeld => "Entry to this draw has closed.",
            Self::Full => {
                "The queue has as many entries as it may have. Places may come free; try again."
            }
            Self::Closed => "The queue is closed.",
            Self::SoldOut => "Everything is sold.",
            Self::Reset => "The queue was reset since this ticket was given; enter again.",
            Self::NeverGiven => "The ticket names a place that this queue never gave.",
            Self::NoPlaceYet => "This ticket has no place yet; ask for its status first.",
            Self::Paused => "The queue is paused; your place is kept.",
            Self::Lapsed => {
                "The time to claim this place ran out, and it went to the next in order."
            }
            Self::NoRoom => {
                "More shoppers are waiting for a slot than can be kept count of. Your place is \
                 kept; come again."
            }
            Self::Held(ClaimState::Completed) => "The order of this place is completed.",
            Self::Held(ClaimState::Released) => "The checkout gave this admission back.",
            Self::Held(ClaimState::Expired) => "This admission was not used in time.",
            Self::Held(_) => "This place was given up.",
            Self::AtCheckout => "The checkout has this place now; cancel at the checkout.",
            Self::AdmissionReset => "The queue was reset since this admission was given.",
            Self::NotRedeemed => "The handoff token is not redeemed yet; redeem it first.",
            Self::AlreadyRedeemed => "This handoff token was redeemed before.",
            Self::LastPieceSold => {
                "The session had run out, and the last piece went to somebody else."
            }
            Self::LastPiecePromised => {
                "The session had run out, and what is left is promised to those who were next."
            }
            Self::Completed => "The order is completed; what is sold is not released.",
            Self::NoAuditYet { .. } => NO_AUDIT,
            Self::NoSuchPage => "The audit has no such page.",
            Self::NotOver => "The fairness report is made when the queue is over.",
            Self::ReportUnderWay => {
                "The queue is over, and its fairness report is being reckoned; try again."
            }
            Self::NoSuchRelay => "no such relay",
        };
        String::from(said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Epoch;

    #[test]
    fn a_refusal_that_time_can_cure_says_when() {
        for (refusal, code, seconds) in [
            (Refusal::Full, Code::QueueFull, Some(5)),
            (Refusal::NoRoom, Code::NotYetServed, Some(30)),
            (Refusal::ReportUnderWay, Code::ServiceUnavailable, Some(2)),
            (
                Refusal::EntryNotOpen { at: 9_001, now: 1 },
                Code::NotOpen,
                Some(9),
            ),
            (
                Refusal::NoAuditYet { at: 1, now: 9 },
                Code::NotOpen,
                Some(1),
            ),
            (
                Refusal::NotCalledUp { position: 6 },
                Code::NotYetServed,
                None,
            ),
            (Refusal::SoldOut, Code::SoldOut, None),
        ] {
            let problem = Problem::from(refusal.clone());
            assert_eq!(
                (problem.code, problem.retry_after_seconds),
                (code, seconds),
                "{refusal:?}"
            );
            assert_eq!(refusal.code(), code);
        }
    }

    #[test]
    fn a_refusal_names_what_it_is_about() {
        let admission = AdmissionId {
            epoch: Epoch::from_bytes([1; 16]),
            index: 7,
        };
        for (refusal, named) in [
            (Refusal::NotCalledUp { position: 6 }, "Place 7 "),
            (
                Refusal::LeasedAlready {
                    lane: 3,
                    sequence: 9,
                },
                "Lane 3 leased group 9 ",
            ),
            (Refusal::NoAdmission(admission), &*admission.to_string()),
            (Refusal::AdmissionOver(ClaimState::Released), "was released"),
            (Refusal::Held(ClaimState::Left), "given up"),
            (
                Refusal::Invalid(Problem::validation("lanes: must")),
                "lanes: must",
            ),
        ] {
            let said = Problem::from(refusal).detail;
            assert!(said.contains(named), "{said}");
        }
    }
}
