//! What the room says after a form post.

use tidegate_core::edge::message::Message;

use crate::text::{Text, Wording};

/// The sentence for a message; `None` where the whole page says it.
pub(crate) const fn sentence(
    message: Message,
    text: &Text,
    words: &Wording,
    in_line: bool,
) -> Option<&'static str> {
    match message {
        Message::Left => Some(words.said_left),
        Message::NotYet => Some(words.said_not_yet),
        Message::Paused => Some(text.said_paused),
        Message::Full => Some(words.said_full),
        Message::Unreachable if in_line => Some(words.lost),
        Message::Unreachable => Some(words.lost_outside),
        Message::Reset => Some(words.said_reset),
        Message::AtCheckout => Some(text.said_at_checkout),
        Message::Boarding
        | Message::SoldOut
        | Message::Closed
        | Message::AdmissionOver
        | Message::Lapsed => None,
    }
}
