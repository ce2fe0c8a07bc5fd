//! What a ticket says about its place. Its signature is Tidegate's own business; its holder
//! can read it, and so check it against what others were given.

use ct_codecs::{Base64UrlSafeNoPadding, Decoder};
use serde::Deserialize;
use tidegate_core::ids::Epoch;

/// A place, as the ticket names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Place {
    /// The queue's epoch.
    pub epoch: Epoch,
    /// The entry's number, 0-based.
    pub index: u64,
    /// The place in line, 0-based, where it is known.
    #[serde(default)]
    pub position: Option<u64>,
}

/// Reads a ticket's claims.
pub fn read(ticket: &str) -> Option<Place> {
    let payload = ticket.split('.').nth(1)?;
    let bytes = Base64UrlSafeNoPadding::decode_to_vec(payload, None).ok()?;
    serde_json::from_slice(&bytes).ok()
}

#[cfg(test)]
mod tests {
    use ct_codecs::Encoder;

    use super::*;

    #[test]
    fn a_ticket_tells_its_place_and_nothing_else_does() {
        let epoch = "01".repeat(16);
        let text = format!(r#"{{"sub":"x","epoch":"{epoch}","index":41,"position":7}}"#);
        let payload = Base64UrlSafeNoPadding::encode_to_string(text).unwrap();
        let expected = Place {
            epoch: epoch.parse().unwrap(),
            index: 41,
            position: Some(7),
        };
        assert_eq!(read(&format!("e30.{payload}.sig")), Some(expected));
        for bad in ["", "a.b", "a.!.c", "e30.e30.e30"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
