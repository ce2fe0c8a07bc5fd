//! Promise 7 of one opening, proven: whether a queue's order follows from what was promised. An
//! audit, receipts and proofs come in; a report of each check goes out. `tidegate verify` reads
//! them for it.

#![expect(
    missing_docs,
    reason = "docs/verify.md describes the fields of an audit; the rest names itself"
)]

mod beacon;
mod checks;
mod difference;
mod document;
mod hex;
mod lists;
mod permutation;
mod proof;
mod receipt;
mod report;
mod signed;
mod tree;

/// Makes what is verified, for these tests and for those of the binary.
#[cfg(test)]
#[path = "../../../cli/tests/cli/audits.rs"]
mod audits;
#[cfg(test)]
mod tests;

pub use beacon::Chain;
pub use checks::{Asked, Evidence, Keys, check};
pub use difference::differences;
pub use document::{Audit, Document, read};
pub use permutation::ROUNDS;
pub use report::Report;
pub use signed::Published;
