//! The audit of an opening, format 1: all that it takes to make the shuffle again, and what was
//! promised before. `docs/fairness.md` and `docs/http.md` say what each field is; verifiers are
//! strict about them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::log::Group;
use super::merkle::leaf_hash;
use super::{Commitment, Root};
use crate::UnixMillis;
use crate::ids::Epoch;

/// The most groups in one page.
pub const PAGE_GROUPS: u64 = 5_000;
/// The most earlier epochs that are listed, those that had opened first; all are counted.
pub const LIVES_LISTED: u64 = 1_000;
/// What the shuffle is called.
pub const ALGORITHM: &str = "tidegate/shuffle/v1";

/// An epoch of the queue that is over. Each stays listed, so that nobody can draw again unseen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Life {
    /// Its epoch.
    pub epoch: Epoch,
    /// What was committed to for its shuffle.
    pub commitment: Commitment,
    /// When it began.
    pub created_at: UnixMillis,
    /// When it ended.
    pub ended_at: UnixMillis,
    /// How many entered.
    pub entered: u64,
    /// Whether its entrants were shuffled.
    pub opened: bool,
}

/// A page of an audit on its way to an edge, which signs it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Audit {
    /// The queue's epoch.
    pub epoch: Epoch,
    /// Every field but the groups: what the statement vouches for.
    #[serde(with = "crate::wire::as_text")]
    pub facts: Map<String, Value>,
    /// This page's groups.
    pub groups: Vec<Group>,
}

impl Audit {
    /// The page as it is served.
    pub fn shown(&self, key: &Value, statement: &str) -> Value {
        let group = |group: &Group| {
            json!({
                "lane": group.lane,
                "sequence": group.sequence,
                "first": group.first,
                "granted": group.granted,
                "root": group.root,
                "hash": leaf_hash(&group.leaf(self.epoch)),
            })
        };
        let groups: Vec<Value> = self.groups.iter().map(group).collect();
        let mut shown = self.facts.clone();
        shown.insert("groups".into(), groups.into());
        shown.insert("key".into(), key.clone());
        shown.insert("statement".into(), statement.into());
        Value::Object(shown)
    }
}

/// A group's inclusion proof in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupProof {
    /// Which group of the log, from 0.
    pub number: u64,
    /// How many groups the log has.
    pub groups: u64,
    /// From the group's sibling upwards.
    pub path: Vec<Root>,
    /// The log's root.
    pub root: Root,
}
