//! Tidegate's Durable Objects. Each file is one object and stays thin: it loads rows, hands an
//! event and the time to `tidegate-core`, writes what comes back in one transaction, and answers.
//! If an `if` here is about the queue, it belongs in the core.

#![allow(
    missing_docs,
    reason = "#[durable_object] makes methods without; what is ours has docs"
)]

mod directory;
mod lane;
mod queue;
mod relay;
mod sockets;
mod storage;
pub mod stub;

pub use directory::Directory;
pub use lane::Lane;
pub use queue::Queue;
pub use relay::Relay;

/// The names of the bindings in `wrangler.toml`.
pub mod binding {
    /// The one Directory object.
    pub const DIRECTORY: &str = "DIRECTORY";
    /// Queue objects, named by queue id.
    pub const QUEUE: &str = "QUEUE";
    /// Lane objects, named by queue, epoch and number.
    pub const LANE: &str = "LANE";
    /// Relay objects, named by queue, epoch and number.
    pub const RELAY: &str = "RELAY";
}
