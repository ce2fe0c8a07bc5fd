//! Every decision of Tidegate, as plain data in and plain data out.
//!
//! Nothing here does I/O, reads a clock or makes randomness: time, random bytes and stored rows
//! come in as arguments, and what must be written or answered goes out as values. So the whole of
//! it runs natively, in seconds, under property tests. Storage, alarms and sockets are
//! `tidegate-objects`'; HTTP is the root crate's.
//!
//! There are four machines: the [`queue`], the [`lane`] that takes its entries, the [`relay`] that
//! tells its readers, and the [`edge`] that answers requests. Each has one loop. The queue's is
//! this: an event and the time go in, and an answer and effects come out. Who runs it writes
//! the effects in one transaction, gives the answer, and sends [`Event::Wake`](queue::Event::Wake)
//! when the timeout is due.
//!
//! ```
//! use serde_json::json;
//! use tidegate_core::fair::{Fresh, Root};
//! use tidegate_core::ids::Epoch;
//! use tidegate_core::queue::{Answer, Event, handle};
//!
//! let epoch = Epoch::from_bytes([1; 16]);
//! let mut queue = None; // what memory holds; storage holds the effects
//! let mut now = 1_800_000_000_000; // the object's clock, in milliseconds
//!
//! // An operator makes a queue that lets one shopper into the checkout at a time.
//! let put = Event::Put {
//!     id: "lamp".parse()?,
//!     config: json!({"maxActive": 1}),
//!     fresh: Fresh::known(epoch), // a real one is random
//! };
//! let step = handle(&mut queue, put, None, now);
//! step.answer?;
//! assert!(!step.effects.is_empty(), "a row to write before anybody hears of it");
//!
//! // A lane asks for the indices of a group of two, and gets 0 and 1.
//! now += 5;
//! let root = Root::from_bytes([0; 32]);
//! let lease = Event::Lease { epoch, lane: 0, sequence: 1, count: 2, root };
//! let leased = handle(&mut queue, lease, None, now).answer?;
//! assert!(matches!(leased, Answer::Leased { first: 0, granted: 2, .. }));
//!
//! // Nobody stood before them, so the first is called up already.
//! let machine = queue.as_ref().ok_or("a queue")?;
//! assert!(machine.snapshot(now).boarding >= 1);
//! assert!(machine.next_timeout().is_some_and(|at| at > now), "the alarm to arm");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod address;
pub mod calls;
pub mod client;
pub mod config;
pub mod directory;
pub mod edge;
pub mod fair;
pub mod hex;
pub mod ids;
pub mod lane;
pub mod problem;
pub mod queue;
pub mod reading;
pub mod relay;
pub mod shop;
pub mod terms;
pub mod token;
pub mod view;
pub mod wire;

/// Milliseconds since the Unix epoch.
pub type UnixMillis = u64;
