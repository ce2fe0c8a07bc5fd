//! The ticket: what a shopper holds. A compact JWS (HS256) that Tidegate alone reads and writes;
//! its claims are format 1, guarded by a golden test.

use jwt_simple::common::{HeaderOptions, VerificationOptions};
use jwt_simple::prelude::{HS256Key, JWTClaims, MACLike};

use super::keys::{Reach, read_list};
use super::{OwnClaims, TOKEN_MAX, exactly_at, is_live, seconds};
use crate::UnixMillis;
use crate::ids::{Epoch, QueueId, ShopperId};
use crate::problem::Problem;

/// The `typ` that tells a ticket from every other token.
const TYPE: &str = "tidegate-ticket+jwt";

/// A place in line, as its holder shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The queue.
    pub queue: QueueId,
    /// The queue's epoch that it was given in.
    pub epoch: Epoch,
    /// Who holds it.
    pub shopper: ShopperId,
    /// The entry's index, 0-based.
    pub index: u64,
    /// The place, 0-based, once it is known.
    pub position: Option<u64>,
    /// When it was signed, Unix milliseconds, whole seconds.
    pub issued_at: UnixMillis,
}

/// A ticket that was read.
#[derive(Clone)]
pub struct ReadTicket {
    /// What it says.
    pub ticket: Ticket,
    /// Until when it is good.
    pub expires_at: UnixMillis,
    /// It was not signed by the key that signs now.
    pub by_older_key: bool,
}

/// The keys that sign and verify tickets.
pub struct TicketKeys {
    /// Never empty; the first signs.
    keys: Vec<(String, HS256Key)>,
}

impl TicketKeys {
    /// Reads the secret binding `TICKET_KEYS`.
    pub fn read(text: &str, reach: Reach) -> Result<Self, Problem> {
        let keys = read_list("TICKET_KEYS", text, reach)?
            .into_iter()
            .map(|secret| {
                (
                    secret.kid.clone(),
                    HS256Key::from_bytes(&secret.bytes).with_key_id(&secret.kid),
                )
            })
            .collect();
        Ok(Self { keys })
    }

    /// Signs a ticket as of `now`, good until `expires_at`.
    pub fn sign(
        &self,
        ticket: &Ticket,
        now: UnixMillis,
        expires_at: UnixMillis,
    ) -> Result<String, Problem> {
        let claims = JWTClaims {
            issued_at: Some(seconds(now)),
            expires_at: Some(seconds(expires_at)),
            invalid_before: None,
            issuer: None,
            subject: Some(ticket.shopper.to_string()),
            audiences: Some(jwt_simple::claims::Audiences::AsString(
                ticket.queue.to_string(),
            )),
            jwt_id: None,
            nonce: None,
            custom: OwnClaims {
                epoch: Some(ticket.epoch),
                index: Some(ticket.index),
                position: ticket.position,
                ..OwnClaims::default()
            },
        };
        let header = HeaderOptions {
            content_type: None,
            signature_type: Some(TYPE.into()),
        };
        let (_, key) = self.keys.first().ok_or_else(void)?;
        key.authenticate_with_options(claims, &header)
            .map_err(|_| void())
    }

    /// Verifies a ticket that was shown for `queue`.
    pub fn verify(
        &self,
        token: &str,
        queue: &QueueId,
        now: UnixMillis,
    ) -> Result<ReadTicket, Problem> {
        if token.len() > TOKEN_MAX {
            return Err(void());
        }
        // Nearly every ticket is of the first key: it is cheaper to try than to look first.
        let (number, claims) = (0_usize..)
            .zip(&self.keys)
            .find_map(|(number, key)| Some((number, read_by(key, token, now)?)))
            .ok_or_else(void)?;
        let for_this_queue = matches!(
            &claims.audiences,
            Some(jwt_simple::claims::Audiences::AsString(audience)) if audience == queue.as_str()
        );
        if !for_this_queue || !is_live(claims.expires_at, now) {
            return Err(void());
        }
        let shopper = claims.subject.as_deref().and_then(|text| text.parse().ok());
        let issued_at = claims.issued_at.map_or(0, |at| at.as_millis());
        let ticket = Ticket {
            queue: queue.clone(),
            epoch: claims.custom.epoch.ok_or_else(void)?,
            shopper: shopper.ok_or_else(void)?,
            index: claims.custom.index.ok_or_else(void)?,
            position: claims.custom.position,
            issued_at,
        };
        Ok(ReadTicket {
            ticket,
            expires_at: claims.expires_at.map_or(0, |at| at.as_millis()),
            by_older_key: number != 0,
        })
    }
}

/// What `token` says, if it names this key and the key signed it.
fn read_by(
    (kid, key): &(String, HS256Key),
    token: &str,
    now: UnixMillis,
) -> Option<JWTClaims<OwnClaims>> {
    let options = VerificationOptions {
        required_key_id: Some(kid.clone()),
        required_signature_type: Some(TYPE.into()),
        ..exactly_at(now)
    };
    key.verify_token(token, Some(options)).ok()
}

/// One answer for every fault: a forger learns nothing from it.
fn void() -> Problem {
    Problem::unauthorized("The ticket is malformed, expired, or not one of this queue's.")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = 1_800_000_000_000;
    const LIFETIME: u64 = 1_000_000;
    const KEYS: &str = r#"[{"kid":"k1","key":"dev-AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}]"#;
    const ROTATED: &str = r#"[{"kid":"k2","key":"dev-AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
                              {"kid":"k1","key":"dev-AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}]"#;

    fn keys(text: &str) -> TicketKeys {
        TicketKeys::read(text, Reach::Loopback).unwrap()
    }

    fn ticket() -> Ticket {
        Ticket {
            queue: "demo".parse().unwrap(),
            epoch: Epoch::from_bytes([1; 16]),
            shopper: ShopperId::from_bytes([2; 16]),
            index: 41,
            position: Some(41),
            issued_at: NOW,
        }
    }

    fn secret_of_k1() -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes[0] = 2;
        bytes
    }

    #[test]
    fn a_ticket_reads_back_as_it_was_signed() {
        let token = keys(KEYS).sign(&ticket(), NOW, NOW + LIFETIME).unwrap();
        let read = keys(KEYS).verify(&token, &ticket().queue, NOW).unwrap();
        assert_eq!(read.ticket, ticket());
        assert!(!read.by_older_key);
        assert_eq!(read.expires_at, NOW + LIFETIME);
    }

    /// Tickets of format 1 are in shoppers' hands across deploys: a change here voids every place.
    /// This one was made by hand with another language's HMAC.
    #[test]
    fn golden_a_ticket_of_format_1_is_still_good() {
        let golden = concat!(
            "eyJhbGciOiJIUzI1NiIsInR5cCI6InRpZGVnYXRlLXRpY2tldCtqd3QiLCJraWQiOiJrMSJ9.",
            "eyJpYXQiOjE4MDAwMDAwMDAsImV4cCI6MTgwMDYwNDgwMCwic3ViIjoiMDIwMjAyMDIwMjAyMDIwMjAyMDIwMjAy",
            "MDIwMjAyMDIiLCJhdWQiOiJkZW1vIiwiZXBvY2giOiIwMTAxMDEwMTAxMDEwMTAxMDEwMTAxMDEwMTAxMDEwMSIs",
            "ImluZGV4Ijo0MSwicG9zaXRpb24iOjQxfQ.",
            "1a07o6MF_enuDvBHFSLjEGhyNh-2tLxBljvJ8Mm2Z2k",
        );
        let read = keys(KEYS).verify(golden, &ticket().queue, NOW).unwrap();
        assert_eq!(read.ticket, ticket());
    }

    #[test]
    fn an_older_key_is_accepted_and_asks_for_renewal() {
        let token = keys(KEYS).sign(&ticket(), NOW, NOW + LIFETIME).unwrap();
        assert!(
            keys(ROTATED)
                .verify(&token, &ticket().queue, NOW)
                .unwrap()
                .by_older_key
        );
        let renewed = keys(ROTATED).sign(&ticket(), NOW, NOW + LIFETIME).unwrap();
        assert!(keys(KEYS).verify(&renewed, &ticket().queue, NOW).is_err());
    }

    #[test]
    fn expired_foreign_and_altered_tickets_are_refused() {
        let keys = keys(KEYS);
        let token = keys.sign(&ticket(), NOW, NOW + LIFETIME).unwrap();
        assert!(
            keys.verify(&token, &ticket().queue, NOW + LIFETIME)
                .is_err()
        );
        assert!(keys.verify(&token, &"other".parse().unwrap(), NOW).is_err());
        for at in 0..token.len() {
            let mut altered = token.clone().into_bytes();
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered).unwrap();
            assert!(
                keys.verify(&altered, &ticket().queue, NOW).is_err(),
                "byte {at}"
            );
        }
        let long = "a".repeat(TOKEN_MAX + 1);
        for bad in ["", "a.b", "a.b.c", "..", &long] {
            assert!(keys.verify(bad, &ticket().queue, NOW).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_token_of_another_type_or_algorithm_is_refused() {
        let key = HS256Key::from_bytes(&secret_of_k1()).with_key_id("k1");
        let claims = JWTClaims {
            issued_at: Some(seconds(NOW)),
            expires_at: Some(seconds(NOW + 1000)),
            invalid_before: None,
            issuer: None,
            subject: Some("02".repeat(16)),
            audiences: Some(jwt_simple::claims::Audiences::AsString("demo".into())),
            jwt_id: None,
            nonce: None,
            custom: OwnClaims {
                epoch: Some(Epoch::from_bytes([1; 16])),
                index: Some(0),
                ..OwnClaims::default()
            },
        };
        let plain = key.authenticate(claims).unwrap();
        assert!(keys(KEYS).verify(&plain, &ticket().queue, NOW).is_err());
        let body = plain.split('.').nth(1).unwrap();
        let none = format!("eyJhbGciOiJub25lIiwia2lkIjoiazEifQ.{body}.");
        assert!(keys(KEYS).verify(&none, &ticket().queue, NOW).is_err());
    }
}
