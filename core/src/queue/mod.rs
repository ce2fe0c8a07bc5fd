//! The queue: one state machine that gives out indices, calls shoppers up and admits them.
//!
//! [`Machine::handle`] takes an event and the time, and says what to answer and what to write; the
//! object around it does both. Nothing is remembered that was not said to be written.

mod boarding;
pub mod claim;
mod configuring;
pub mod draw;
pub mod event;
pub mod gone;
pub mod head;
pub mod hearing;
pub mod holders;
mod limits;
mod line;
pub mod machine;
pub mod opening;
mod operator;
mod origin;
mod pace;
mod pacing;
pub mod placing;
pub mod presence;
mod reach;
mod relays;
pub mod reporting;
pub mod rows;
pub mod sealing;
mod settle;
pub mod shoppers;
pub mod soon;
mod writes;

pub use claim::{Claim, ClaimState};
pub use event::{Answer, Effect, Event, LaneMark, Step};
pub use head::Head;
pub use machine::{Machine, handle};
pub use relays::Push;
pub use sealing::{Fetch, Heard};
pub use writes::Writes;
