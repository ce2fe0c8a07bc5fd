//! What becomes of a called-up ticket: one record a ticket, from its first claim (or its leaving)
//! to its end. Most tickets that only wait have none.

use serde::{Deserialize, Serialize};

use crate::UnixMillis;
use crate::ids::{AdmissionId, Epoch, QueueId, ShopperId};

/// How far a ticket has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ClaimState {
    /// Claimed, and waiting for a free slot.
    Present,
    /// Claimed, and did not come back to renew it. The ticket stays called up.
    Away,
    /// Admitted; the handoff token is not redeemed yet.
    Admitted,
    /// Admitted and redeemed: at the checkout.
    Redeemed,
    /// Paid.
    Completed,
    /// Given back by the origin.
    Released,
    /// Its time ran out.
    Expired,
    /// Given up by the shopper.
    Left,
}

impl ClaimState {
    /// Every state, in order of a claim's life.
    pub const ALL: [Self; 8] = [
        Self::Present,
        Self::Away,
        Self::Admitted,
        Self::Redeemed,
        Self::Completed,
        Self::Released,
        Self::Expired,
        Self::Left,
    ];

    /// Whether an admission is held: it takes one of the slots.
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Admitted | Self::Redeemed)
    }

    /// Whether the ticket still stands for anything.
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Away) || self.is_held()
    }

    /// Whether the queue keeps the record in memory.
    pub const fn is_held(self) -> bool {
        matches!(self, Self::Present) || self.is_active()
    }

    /// The state's name on the wire and in storage.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Away => "away",
            Self::Admitted => "admitted",
            Self::Redeemed => "redeemed",
            Self::Completed => "completed",
            Self::Released => "released",
            Self::Expired => "expired",
            Self::Left => "left",
        }
    }

    /// The state of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// A ticket's record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Claim {
    /// The ticket's index.
    pub index: u64,
    /// Its position, 0-based.
    pub position: u64,
    /// Who holds it.
    pub shopper: ShopperId,
    /// How far it has come.
    pub state: ClaimState,
    /// When it claimed, or came back after it was away, or left.
    pub claimed_at: UnixMillis,
    /// When it was admitted.
    pub admitted_at: Option<UnixMillis>,
    /// When the handoff token was redeemed.
    pub redeemed_at: Option<UnixMillis>,
    /// When the admission runs out, or when it ended; of who is away, since when.
    pub ends_at: Option<UnixMillis>,
    /// The idempotency key that it was redeemed with.
    pub idempotency_key: Option<String>,
}

/// An admission as the origin and the operator see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AdmissionReport {
    /// Its id.
    pub admission_id: AdmissionId,
    /// Its queue.
    pub queue_id: QueueId,
    /// Who holds it.
    pub subject: ShopperId,
    /// The place it was admitted from, 1-based.
    pub position: u64,
    /// How far it has come.
    pub state: ClaimState,
    /// When it was admitted.
    pub admitted_at: Option<UnixMillis>,
    /// When it was redeemed.
    pub redeemed_at: Option<UnixMillis>,
    /// When it runs out, or when it ended.
    pub expires_at: Option<UnixMillis>,
}

impl Claim {
    /// The record as the origin and the operator see it.
    pub fn report(&self, queue: &QueueId, epoch: Epoch) -> AdmissionReport {
        AdmissionReport {
            admission_id: AdmissionId {
                epoch,
                index: self.index,
            },
            queue_id: queue.clone(),
            subject: self.shopper,
            position: self.position.saturating_add(1),
            state: self.state,
            admitted_at: self.admitted_at,
            redeemed_at: self.redeemed_at,
            expires_at: self.ends_at,
        }
    }
}
