//! What this isolate recalls of tickets, so that none asks a queue the same thing over and over. What is recalled
//! for how long is decided by `tidegate_core::edge`.

use std::cell::RefCell;

use tidegate_core::UnixMillis;
use tidegate_core::calls::Reply;
use tidegate_core::edge::claims::{Claims, Turn};
use tidegate_core::edge::doors;
use tidegate_core::edge::recall::{Recall, TicketKey};
use tidegate_core::problem::Problem;
use tidegate_core::queue::Answer;
use tidegate_core::queue::event::Holder;
use tidegate_core::view::snapshot::EdgeView;
use worker::Date;

use crate::facts::Seen;

thread_local! {
    static RECALL: RefCell<Recall<Reply<Answer>>> = RefCell::default();
    static CLAIMS: RefCell<Claims> = RefCell::default();
}

/// Why a claim need not reach the queue, if so.
pub fn claim_refusal(holder: &Holder, seen: &Seen<EdgeView>, now: UnixMillis) -> Option<Problem> {
    let snapshot = &seen.value.snapshot;
    if seen.stale || snapshot.epoch != holder.epoch {
        return None;
    }
    doors::claim_refusal(&seen.value, holder.position, now).or_else(|| {
        RECALL
            .with_borrow(|recall| recall.claim_refusal(key(holder), holder.position, snapshot, now))
    })
}

/// Whether a claim reaches the queue, or what the queue just said is said again.
pub fn claim_turn(holder: &Holder, view: &EdgeView, now: UnixMillis) -> Turn {
    CLAIMS.with_borrow_mut(|claims| claims.turn(key(holder), view.snapshot.version, now))
}

/// Notes what a queue answered to a claim, where the edge's view was this.
pub fn claimed(holder: &Holder, view: &EdgeView, answer: &Reply<Answer>, now: UnixMillis) {
    RECALL.with_borrow_mut(|recall| {
        recall.changed(key(holder));
        if let Err(problem) = answer {
            recall.claim_refused(key(holder), holder.position, problem, &view.snapshot, now);
        }
    });
    let version = view.snapshot.version;
    CLAIMS.with_borrow_mut(|claims| claims.answered(key(holder), answer, version, now));
}

/// What a look at this ticket found a moment ago.
pub fn look(holder: &Holder, now: UnixMillis) -> Option<Reply<Answer>> {
    RECALL.with_borrow(|recall| recall.look(key(holder), now).cloned())
}

/// Notes what a look found. A fault of ours is nothing to find.
pub fn looked(holder: &Holder, found: &Reply<Answer>, now: UnixMillis) {
    if !matches!(found, Err(problem) if problem.code.status() >= 500) {
        RECALL.with_borrow_mut(|recall| recall.looked(key(holder), found.clone(), now));
    }
}

/// A ticket was left, at the queue and at its lane.
pub fn left(ticket: TicketKey, now: UnixMillis) {
    CLAIMS.with_borrow_mut(|claims| claims.changed(ticket, now));
    RECALL.with_borrow_mut(|recall| recall.left(ticket, now));
}

/// Whether it is known that a ticket was left.
pub fn has_left(holder: &Holder, now: UnixMillis) -> bool {
    RECALL.with_borrow(|recall| recall.has_left(key(holder), now))
}

/// Why a leave need not reach the lane, if so.
pub fn leave_refusal(holder: &Holder, now: UnixMillis) -> Option<Problem> {
    RECALL.with_borrow(|recall| recall.leave_refusal(key(holder), now))
}

/// Notes why a ticket was not left.
pub fn leave_refused(ticket: TicketKey, problem: &Problem, now: UnixMillis) {
    RECALL.with_borrow_mut(|recall| recall.leave_refused(ticket, problem, now));
}

/// Something happened to a ticket.
pub fn changed(ticket: TicketKey) {
    RECALL.with_borrow_mut(|recall| recall.changed(ticket));
    CLAIMS.with_borrow_mut(|claims| claims.changed(ticket, Date::now().as_millis()));
}

fn key(holder: &Holder) -> TicketKey {
    (holder.epoch, holder.index)
}
