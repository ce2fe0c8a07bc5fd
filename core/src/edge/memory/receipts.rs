//! Receipts as shoppers get them: their group's statement is signed once for all its members that
//! this isolate answers.

use std::cell::RefCell;
use std::collections::VecDeque;

use serde_json::Value;

use crate::fair::Root;
use crate::fair::receipt::Receipt;
use crate::ids::{Epoch, QueueId};
use crate::problem::Problem;
use crate::token::handoff::HandoffKeys;
use crate::token::statement::Statement;

/// How many groups' statements are kept: a few for each of the lanes that are busy at a time.
const KEPT: usize = 64;

/// Whose statement it is: the root says that it is this group's and no other's, and a range goes
/// with it.
type Group = (Epoch, u16, u64, Root);

/// The statements that an isolate signed last.
#[derive(Default)]
pub(in crate::edge) struct Statements(RefCell<VecDeque<(Group, String)>>);

impl Statements {
    /// The receipt as it is answered.
    pub(in crate::edge) fn shown(
        &self,
        keys: &HandoffKeys,
        queue: &QueueId,
        epoch: Epoch,
        receipt: &Receipt,
    ) -> Result<Value, Problem> {
        let range = &receipt.group;
        let group = (epoch, range.lane, range.sequence, range.root);
        let mut kept = self.0.borrow_mut();
        if let Some((_, statement)) = kept.iter().rev().find(|(of, _)| *of == group) {
            return Ok(receipt.shown(epoch, statement));
        }
        // As of the group's time, so that who asks again gets the same.
        let statement = keys.state(Statement::Receipt, range.claims(queue, epoch), range.at)?;
        let shown = receipt.shown(epoch, &statement);
        if kept.len() >= KEPT {
            kept.pop_front();
        }
        kept.push_back((group, statement));
        Ok(shown)
    }
}
