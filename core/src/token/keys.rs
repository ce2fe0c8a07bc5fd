//! The signing secrets, as `wrangler secret put` stores them: JSON lists whose **first key signs**
//! and whose every key is accepted. To rotate: append the new key and deploy, then move it to the
//! front and deploy, then drop the old one when its tokens have run out.
//!
//! A key whose text begins with `dev-` is a development key: it exists on loopback only, whatever
//! deployed it.

use ct_codecs::{Base64UrlSafeNoPadding, Decoder};
use serde::Deserialize;

use crate::problem::{Code, Problem};
use crate::reading;

/// What marks a secret as made for development.
pub const DEVELOPMENT_MARK: &str = "dev-";

/// Whether the request that keys are wanted for was made on this very machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// `localhost`, `127.0.0.0/8` or `[::1]`: development keys are good.
    Loopback,
    /// Anywhere else: development keys do not exist.
    Public,
}

impl Reach {
    /// Whether a secret with this text counts here.
    pub(super) fn admits(self, secret: &str) -> bool {
        self == Self::Loopback || !secret.starts_with(DEVELOPMENT_MARK)
    }
}

/// One entry of `TICKET_KEYS` or `HANDOFF_KEYS`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    kid: String,
    key: String,
}

/// A named 32-byte secret.
pub(super) struct NamedSecret {
    pub(super) kid: String,
    pub(super) bytes: [u8; 32],
}

/// Reads the list that secret binding `binding` holds, without the keys that do not count here.
pub(super) fn read_list(
    binding: &str,
    text: &str,
    reach: Reach,
) -> Result<Vec<NamedSecret>, Problem> {
    let entries: Vec<Entry> = reading::parse(text).map_err(|_| {
        misconfigured(&format!(
            "{binding} is not a JSON list of {{\"kid\", \"key\"}}"
        ))
    })?;
    let mut keys: Vec<NamedSecret> = Vec::with_capacity(entries.len());
    // Position decides which key signs, so a development key in front must not pass the role on.
    let signer_counts = entries
        .first()
        .is_some_and(|first| reach.admits(&first.key));
    if !signer_counts {
        return Err(misconfigured(&format!(
            "{binding} begins with no key that is good here (development keys work on loopback only)"
        )));
    }
    for entry in entries.iter().filter(|entry| reach.admits(&entry.key)) {
        if entry.kid.is_empty()
            || entry.kid.len() > 64
            || keys.iter().any(|key| key.kid == entry.kid)
        {
            return Err(misconfigured(&format!(
                "{binding} has an empty, long or repeated kid"
            )));
        }
        keys.push(NamedSecret {
            kid: entry.kid.clone(),
            bytes: read_secret(binding, &entry.key)?,
        });
    }
    Ok(keys)
}

/// Reads the single secret `SHOPPER_KEY`, which names shoppers and must never change while a queue
/// lives: a retried enter would find another lane.
pub fn read_shopper_key(text: &str, reach: Reach) -> Result<[u8; 32], Problem> {
    if reach.admits(text) {
        read_secret("SHOPPER_KEY", text)
    } else {
        Err(misconfigured(
            "SHOPPER_KEY is a development key, which works on loopback only",
        ))
    }
}

fn read_secret(binding: &str, text: &str) -> Result<[u8; 32], Problem> {
    let encoded = text.strip_prefix(DEVELOPMENT_MARK).unwrap_or(text);
    let mut bytes = [0; 32];
    match Base64UrlSafeNoPadding::decode(&mut bytes, encoded, None) {
        // All zeros is a placeholder, and no Ed25519 seed.
        Ok(decoded) if decoded.len() == 32 && decoded.iter().any(|byte| *byte != 0) => Ok(bytes),
        _ => Err(misconfigured(&format!(
            "{binding} holds a key that is not 32 random bytes in base64url"
        ))),
    }
}

/// A refusal that tells the operator what to set, and the shopper to come back.
pub(super) fn misconfigured(what: &str) -> Problem {
    Problem::new(
        Code::ServiceUnavailable,
        format!(
            "{what}. Make keys with `tidegate keys new` and set them with `wrangler secret put`."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    fn list(keys: &[(&str, &str)]) -> String {
        let entries: Vec<_> = keys
            .iter()
            .map(|(kid, key)| serde_json::json!({"kid": kid, "key": key}))
            .collect();
        serde_json::to_string(&entries).unwrap()
    }

    #[test]
    fn a_development_key_exists_on_loopback_only() {
        let text = list(&[("renamed", &format!("dev-{KEY}"))]);
        assert_eq!(read_list("T", &text, Reach::Loopback).unwrap().len(), 1);
        let problem = read_list("T", &text, Reach::Public).err().unwrap();
        assert_eq!(problem.code, Code::ServiceUnavailable);
        assert!(read_shopper_key(&format!("dev-{KEY}"), Reach::Public).is_err());
    }

    #[test]
    fn a_development_key_behind_a_real_one_is_not_accepted_in_public() {
        let text = list(&[("a", KEY), ("b", &format!("dev-{KEY}"))]);
        let keys = read_list("T", &text, Reach::Public).unwrap();
        assert_eq!(
            keys.iter().map(|key| key.kid.as_str()).collect::<Vec<_>>(),
            ["a"]
        );
    }

    #[test]
    fn a_malformed_list_is_refused_without_showing_it() {
        for text in [
            "",
            "{}",
            "[]",
            "[{\"kid\":\"a\",\"key\":\"c2hvcnQ\"}]",
            &list(&[("a", &"A".repeat(43))]),
            &list(&[("a", KEY), ("a", KEY)]),
        ] {
            let problem = read_list("TICKET_KEYS", text, Reach::Loopback)
                .err()
                .unwrap();
            assert!(problem.detail.contains("TICKET_KEYS"), "{}", problem.detail);
            assert!(!problem.detail.contains("c2hvcnQ"));
        }
    }
}
