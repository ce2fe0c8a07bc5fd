//! An admission, as the edge's replies tell of it.

use serde::{Deserialize, Serialize};
use tidegate_core::UnixMillis;
use tidegate_core::ids::{AdmissionId, QueueId, ShopperId};

/// A redeemed admission: a place at the checkout that is held for one shopper.
///
/// It comes from [`Edge::redeem`](crate::Edge::redeem) alone, so each stands for a place that
/// nobody else got. Keep it with the shopper's session; where sessions live outside the
/// process, serde carries it there and back. Never read one from what a shopper sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Admission {
    #[serde(rename = "admissionId")]
    id: AdmissionId,
    #[serde(rename = "queueId")]
    queue: QueueId,
    subject: ShopperId,
    position: u64,
    expires_at: UnixMillis,
}

impl Admission {
    /// Its id: the same for every try of the same shopper, so a good name for the order.
    pub const fn id(&self) -> AdmissionId {
        self.id
    }

    /// The queue that it came through: the one that was asked for.
    pub const fn queue(&self) -> &QueueId {
        &self.queue
    }

    /// Who was admitted.
    pub const fn subject(&self) -> ShopperId {
        self.subject
    }

    /// The place in line that it was given to, 1-based.
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// Until when the place is held, as of the redemption; [`Edge::extend`](crate::Edge::extend)
    /// replies with a later time.
    pub const fn expires_at(&self) -> UnixMillis {
        self.expires_at
    }
}

/// Where a redeemed admission stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum State {
    /// The place is held.
    Redeemed,
    /// The order stands; the place is used up.
    Completed,
    /// The place was given back.
    Released,
    /// The time ran out; the place went to the next in line.
    Expired,
    /// The shopper left the line, and with it the place.
    Left,
}

/// The edge's reply to a call about an admission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AdmissionState {
    /// Which admission.
    pub admission_id: AdmissionId,
    /// Its queue.
    pub queue_id: QueueId,
    /// Where it stands.
    pub state: State,
    /// Until when the place is held or, once it is not, when it ended.
    #[serde(default)]
    pub expires_at: Option<UnixMillis>,
}
