//! `TICKET_KEYS` or `HANDOFF_KEYS` in hand: a list that is never empty, whose first key signs.

use serde::{Deserialize, Serialize};

use super::kid::Kid;
use crate::failure::Failure;

/// One entry, as `tidegate_core::token::keys` reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    kid: String,
    key: String,
}

/// The keys of one secret, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyList {
    signer: Entry,
    others: Vec<Entry>,
}

impl KeyList {
    /// A list of one key.
    pub fn of_one(kid: &str, key: String) -> Self {
        Self {
            signer: Entry {
                kid: kid.to_owned(),
                key,
            },
            others: Vec::new(),
        }
    }

    /// Reads a secret's text.
    pub fn read(text: &str) -> Option<Self> {
        let mut entries: Vec<Entry> = serde_json::from_str(text).ok()?;
        if entries.is_empty() {
            return None;
        }
        let others = entries.split_off(1);
        let signer = entries.pop()?;
        Some(Self { signer, others })
    }

    /// The secret's text.
    pub fn to_text(&self) -> Result<String, Failure> {
        let entries: Vec<&Entry> = self.entries().collect();
        serde_json::to_string(&entries)
            .map_err(|error| Failure::failed(format!("cannot write the keys as JSON: {error}")))
    }

    /// The keys' ids, the signing key's first.
    pub fn kids(&self) -> impl Iterator<Item = &str> {
        self.entries().map(|entry| entry.kid.as_str())
    }

    /// Whether a key with this text is in the list that `wanted` finds.
    pub fn any_key(&self, wanted: impl Fn(&str) -> bool) -> bool {
        self.entries().any(|entry| wanted(&entry.key))
    }

    /// The newest kid that tells its age.
    pub fn newest_dated(&self) -> Option<Kid> {
        self.kids().filter_map(|kid| kid.parse().ok()).max()
    }

    /// The newest key's id, unless that key signs already.
    pub fn to_promote(&self) -> Option<&str> {
        // Kids of another form tell no age: they count as old, and else the later in line is newer.
        let newest = self
            .kids()
            .enumerate()
            .max_by_key(|(place, kid)| (kid.parse::<Kid>().ok(), *place));
        newest.filter(|(place, _)| *place > 0).map(|(_, kid)| kid)
    }

    /// Adds a key that is accepted and does not sign.
    pub fn append(&mut self, kid: &Kid, key: String) {
        self.others.push(Entry {
            kid: kid.to_string(),
            key,
        });
    }

    /// Lets the key `kid` sign. Nothing happens where there is none among the others.
    pub fn promote(&mut self, kid: &str) {
        if let Some(place) = self.others.iter().position(|entry| entry.kid == kid) {
            let promoted = self.others.remove(place);
            let before = core::mem::replace(&mut self.signer, promoted);
            self.others.insert(0, before);
        }
    }

    /// Drops the key `kid`, if it is there and does not sign; says whether it did.
    pub fn retire(&mut self, kid: &str) -> bool {
        let before = self.others.len();
        self.others.retain(|entry| entry.kid != kid);
        self.others.len() < before
    }

    fn entries(&self) -> impl Iterator<Item = &Entry> {
        core::iter::once(&self.signer).chain(&self.others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(kids: &[&str]) -> KeyList {
        let entries: Vec<_> = kids
            .iter()
            .map(|kid| serde_json::json!({"kid": kid, "key": "k"}))
            .collect();
        KeyList::read(&serde_json::to_string(&entries).unwrap()).unwrap()
    }

    fn kids(list: &KeyList) -> Vec<&str> {
        list.kids().collect()
    }

    #[test]
    fn the_newest_key_is_promoted_once() {
        let mut list = list(&["2026-11-20-a000", "2026-11-20-a001"]);
        assert_eq!(list.to_promote(), Some("2026-11-20-a001"));
        list.promote("2026-11-20-a001");
        assert_eq!(kids(&list), ["2026-11-20-a001", "2026-11-20-a000"]);
        assert_eq!(list.to_promote(), None);
    }

    #[test]
    fn a_kid_that_tells_no_age_is_older_than_one_that_does() {
        assert_eq!(
            list(&["zzz", "2026-11-20-a000"]).to_promote(),
            Some("2026-11-20-a000")
        );
        assert_eq!(list(&["2026-11-20-a000", "zzz"]).to_promote(), None);
        assert_eq!(list(&["b", "a"]).to_promote(), Some("a"));
    }

    #[test]
    fn the_signing_key_is_not_retired() {
        let mut list = list(&["a", "b"]);
        assert!(!list.retire("a"));
        assert!(list.retire("b"));
        assert!(!list.retire("b"));
        assert_eq!(kids(&list), ["a"]);
    }

    #[test]
    fn an_empty_list_is_none() {
        assert_eq!(KeyList::read("[]"), None);
        assert_eq!(KeyList::read("{}"), None);
    }
}
