//! Payment, simulated: it always succeeds and no money moves. A real shop calls its payment
//! provider here, with the order's number as idempotency key.

use core::sync::atomic::{AtomicU64, Ordering};

/// An amount in euro cents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cents(pub u64);

/// Where simulated money goes.
#[derive(Default)]
pub struct SimulatedTill {
    captures: AtomicU64,
    refunds: AtomicU64,
}

/// Proof of a simulated payment.
#[derive(Debug)]
pub struct SimulatedReceipt {
    amount: Cents,
}

impl SimulatedReceipt {
    /// What was paid.
    pub const fn amount(&self) -> Cents {
        self.amount
    }
}

impl SimulatedTill {
    /// Takes the money.
    pub fn capture(&self, amount: Cents) -> SimulatedReceipt {
        self.captures.fetch_add(1, Ordering::Relaxed);
        SimulatedReceipt { amount }
    }

    /// Gives it back.
    pub fn refund(&self, _receipt: SimulatedReceipt) {
        self.refunds.fetch_add(1, Ordering::Relaxed);
    }

    /// How many payments were taken, those given back included.
    pub fn captures(&self) -> u64 {
        self.captures.load(Ordering::Relaxed)
    }

    /// How many payments were given back.
    pub fn refunds(&self) -> u64 {
        self.refunds.load(Ordering::Relaxed)
    }
}
