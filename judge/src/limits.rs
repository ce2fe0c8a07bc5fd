//! What a queue promises in numbers.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A queue's limits. `None` is no limit, or one that is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Limits {
    /// Admissions held at once.
    pub max_active: Option<u32>,
    /// Admissions in any 60 seconds.
    #[serde(rename = "admitRatePerMinute")]
    pub rate: Option<u32>,
    /// Admissions in all.
    pub max_admissions: Option<u64>,
    /// Entries that stand at once: all but those whose holders left.
    pub max_participants: Option<u64>,
    /// From an admission to its redemption.
    pub handoff_seconds: Option<u64>,
    /// From a redemption to its end, without extensions.
    pub session_seconds: Option<u64>,
}

impl Limits {
    /// The limits as a configuration, or a merge patch of one, has them.
    pub fn patch(&self) -> Value {
        json!({
            "maxActive": self.max_active,
            "admitRatePerMinute": self.rate,
            "maxAdmissions": self.max_admissions,
            "maxParticipants": self.max_participants,
        })
    }
}
