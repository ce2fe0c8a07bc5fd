//! The queue: one state machine that gives out indices, calls shoppers up and admits them.
//!
//! [`handle`] takes an event and the time, and says what to answer and what to write; the object
//! around it does both. Nothing is remembered that was not said to be written.
//!
//! The machine is `machine` (its state, and the match over all events), `event` (what comes in and
//! goes out) and `settle` (what follows from every event). The folders hold what each event does,
//! by subject.

mod admission;
mod boarding;
mod entry;
pub mod event;
pub mod machine;
pub mod opening;
mod operating;
pub mod refusal;
mod relays;
mod settle;
mod showing;
mod state;

pub use admission::{draw, presence};
pub use boarding::{hearing, soon};
pub use entry::{gone, holders, shoppers};
pub use event::{Answer, Effect, Event, LaneMark, Step};
pub use machine::{Machine, handle};
pub use opening::placing;
pub use opening::sealing::{self, Fetch, Heard};
pub use operating::reporting;
pub use refusal::Refusal;
pub use relays::Push;
pub use state::claim::{Claim, ClaimState};
pub use state::head::Head;
pub use state::writes::Writes;
pub use state::{claim, head, rows};
