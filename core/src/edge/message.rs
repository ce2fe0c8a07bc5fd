//! What a form post ended with, said once on the room that it leads back to.

use crate::problem::Code;

/// What the room says after a form post.
///
/// It travels from the post's redirect to the room by [`Message::name`], best in a short-lived
/// cookie: in the address, anybody could make a link that says "Sold out".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// The shopper left; their place is given up.
    Left,
    /// Claimed too early; the place is kept.
    NotYet,
    /// Claimed, and waits for a free slot: the answer 202 to a claim.
    Boarding,
    /// Claimed while the queue is paused.
    Paused,
    /// No room for another entry.
    Full,
    /// Nothing is left.
    SoldOut,
    /// The queue is over.
    Closed,
    /// The queue did not answer.
    Unreachable,
    /// The admission was used or ran out.
    AdmissionOver,
    /// Claimed too late: the place went to the next in order. Only a draw's places lapse.
    Lapsed,
    /// The ticket is of an earlier epoch of the queue.
    Reset,
    /// Wanted to leave with an admission that the checkout has taken.
    AtCheckout,
}

impl Message {
    const ALL: [Self; 12] = [
        Self::Left,
        Self::NotYet,
        Self::Boarding,
        Self::Paused,
        Self::Full,
        Self::SoldOut,
        Self::Closed,
        Self::Unreachable,
        Self::AdmissionOver,
        Self::Lapsed,
        Self::Reset,
        Self::AtCheckout,
    ];

    /// The message for a refusal; `None` where the room itself says enough, or a problem page must.
    pub const fn of(code: Code) -> Option<Self> {
        Some(match code {
            Code::NotYetServed => Self::NotYet,
            Code::Paused => Self::Paused,
            Code::QueueFull => Self::Full,
            Code::SoldOut => Self::SoldOut,
            Code::QueueClosed => Self::Closed,
            Code::AdmissionExpired | Code::AlreadyRedeemed => Self::AdmissionOver,
            Code::TicketVoid => Self::Reset,
            // Of a shopper's calls, only leaving is refused with it.
            Code::Conflict => Self::AtCheckout,
            Code::InternalError | Code::ServiceUnavailable => Self::Unreachable,
            _ => return None,
        })
    }

    /// A short name for the way through a redirect: lowercase letters and `-`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::NotYet => "not-yet",
            Self::Boarding => "boarding",
            Self::Paused => "paused",
            Self::Full => "full",
            Self::SoldOut => "sold-out",
            Self::Closed => "closed",
            Self::Unreachable => "unreachable",
            Self::AdmissionOver => "over",
            Self::Lapsed => "lapsed",
            Self::Reset => "reset",
            Self::AtCheckout => "at-checkout",
        }
    }

    /// The message of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|message| message.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_message_is_found_by_its_name() {
        for message in Message::ALL {
            assert_eq!(Message::from_name(message.name()), Some(message));
        }
        assert_eq!(Message::from_name("<script>"), None);
    }

    #[test]
    fn the_refusals_of_a_shopper_s_calls_have_a_message() {
        assert_eq!(Message::of(Code::SoldOut), Some(Message::SoldOut));
        assert_eq!(
            Message::of(Code::ServiceUnavailable),
            Some(Message::Unreachable)
        );
        assert_eq!(Message::of(Code::Conflict), Some(Message::AtCheckout));
        assert_eq!(Message::of(Code::Forbidden), None);
    }
}
