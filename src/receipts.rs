//! Receipts as shoppers get them: their group's statement is signed once for all its members that this
//! isolate answers.

use std::cell::RefCell;
use std::collections::VecDeque;

use serde_json::Value;
use tidegate_core::fair::Root;
use tidegate_core::fair::receipt::Receipt;
use tidegate_core::ids::{Epoch, QueueId};
use tidegate_core::problem::Problem;
use tidegate_core::token::handoff::HandoffKeys;
use tidegate_core::token::statement::Statement;

/// How many groups' statements are kept: a few for each of the lanes that are busy at a time.
const KEPT: usize = 64;

thread_local! {
    static STATEMENTS: RefCell<VecDeque<(Group, String)>> = const { RefCell::new(VecDeque::new()) };
}

/// Whose statement it is: the root says that it is this group's and no other's, and a range goes with it.
type Group = (Epoch, u16, u64, Root);

/// The receipt as it is answered.
pub fn shown(
    keys: &HandoffKeys,
    queue: &QueueId,
    epoch: Epoch,
    receipt: &Receipt,
) -> Result<Value, Problem> {
    let range = &receipt.group;
    let group = (epoch, range.lane, range.sequence, range.root);
    let known = STATEMENTS.with_borrow(|kept| {
        let found = kept.iter().rev().find(|(of, _)| *of == group);
        found.map(|(_, statement)| receipt.shown(epoch, statement))
    });
    if let Some(shown) = known {
        return Ok(shown);
    }
    // As of the group's time, so that whoever asks again gets the same.
    let statement = keys.state(Statement::Receipt, range.claims(queue, epoch), range.at)?;
    let shown = receipt.shown(epoch, &statement);
    STATEMENTS.with_borrow_mut(|kept| {
        if kept.len() >= KEPT {
            kept.pop_front();
        }
        kept.push_back((group, statement));
    });
    Ok(shown)
}
