//! What the live socket of a queue says, and what that means for a listener.

use serde::Deserialize;

/// What everybody in the room shares, as far as it decides what a shopper does next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Live {
    /// Whether the socket stands.
    pub up: bool,
    pub boarding: u64,
    pub admitted_below: u64,
    pub server_time: u64,
    /// Nobody is admitted any more.
    pub over: bool,
}

/// One text frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What a snapshot says.
    pub seen: Option<Live>,
    /// How many relays a snapshot names.
    pub relays: Option<u16>,
    /// What the notice says, where there is one.
    pub notice: Option<String>,
    /// The socket is about to be closed, and so are all others: within how many milliseconds to
    /// come back.
    pub reconnect_within: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    #[serde(rename = "type")]
    kind: Kind,
    #[serde(default)]
    boarding: u64,
    #[serde(default)]
    admitted_below: u64,
    #[serde(default)]
    server_time: u64,
    #[serde(default)]
    relays: u16,
    #[serde(default)]
    phase: Option<String>,
    #[serde(default)]
    notice: Option<Notice>,
    #[serde(default)]
    reconnect_within_ms: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Kind {
    Snapshot,
    Notice,
    Closing,
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Notice {
    text: String,
}

impl Frame {
    /// Reads a frame; `None` where it is none of the protocol's.
    pub fn read(text: &str) -> Option<Self> {
        let wire: Wire = serde_json::from_str(text).ok()?;
        let is_snapshot = match wire.kind {
            Kind::Snapshot => true,
            Kind::Notice | Kind::Closing => false,
            Kind::Other => return None,
        };
        let seen = Live {
            up: true,
            boarding: wire.boarding,
            admitted_below: wire.admitted_below,
            server_time: wire.server_time,
            over: matches!(wire.phase.as_deref(), Some("closed" | "soldOut")),
        };
        Some(Self {
            seen: is_snapshot.then_some(seen),
            relays: is_snapshot.then_some(wire.relays),
            notice: wire.notice.map(|notice| notice.text),
            reconnect_within: wire.reconnect_within_ms,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_tells_how_far_boarding_came() {
        let text = r#"{"type":"snapshot","id":"demo","phase":"open","boarding":7,"admittedBelow":5,
            "relays":3,"serverTime":9,"notice":{"level":"info","text":"n"},"more":{}}"#;
        let frame = Frame::read(text).unwrap();
        let expected = Live {
            up: true,
            boarding: 7,
            admitted_below: 5,
            server_time: 9,
            over: false,
        };
        assert_eq!(frame.seen, Some(expected));
        assert_eq!(
            (frame.relays, frame.notice.as_deref()),
            (Some(3), Some("n"))
        );
    }

    #[test]
    fn a_notice_tells_nothing_of_boarding() {
        let frame = Frame::read(r#"{"type":"notice","notice":null,"version":3}"#).unwrap();
        assert_eq!((frame.seen, frame.notice), (None, None));
    }

    #[test]
    fn the_end_of_a_queue_shows() {
        let frame = Frame::read(r#"{"type":"snapshot","phase":"soldOut"}"#).unwrap();
        assert!(frame.seen.unwrap().over);
    }

    #[test]
    fn a_closing_that_hits_everybody_says_how_to_come_back() {
        let frame = Frame::read(
            r#"{"type":"closing","code":4001,"reason":"connect again","reconnectWithinMs":5000}"#,
        );
        assert_eq!(frame.unwrap().reconnect_within, Some(5_000));
    }

    #[test]
    fn what_is_no_frame_of_ours_is_left_alone() {
        for text in ["", "pong", "{}", r#"{"type":"else"}"#, "[1]"] {
            assert_eq!(Frame::read(text), None, "{text}");
        }
    }
}
