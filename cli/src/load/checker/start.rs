//! How the queue stood when the run began. A limit that was lowered before holds for what is admitted
//! from then on, and not for what is held: that drains.

use std::collections::HashMap;

use tidegate_core::ids::AdmissionId;

/// The queue's own first report. The limits that the run knows are those of this moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Start {
    /// By the queue's clock, Unix milliseconds.
    pub server_time: u64,
    pub version: u64,
    /// How many admissions were held.
    pub active: u64,
    /// Those that were held, and when they run out, Unix milliseconds: by which configuration they
    /// were given is not known.
    pub held: HashMap<AdmissionId, u64>,
}
