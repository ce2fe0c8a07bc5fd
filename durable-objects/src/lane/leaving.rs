//! Leaving at the object: the mark, the queue's answer, and what is written of it. Why nothing is
//! lost in between: `core/src/lane/leaving.rs`.

use tidegate_core::calls::{LaneName, LaneReply, Reply};
use tidegate_core::ids::ShopperId;
use tidegate_core::lane::leaving::{Left, check_given};
use tidegate_core::queue::Event;
use tidegate_core::queue::event::Holder;
use worker::{Result, SqlStorage};

use super::Inner;
use super::rows::{self, last_given, mark_leaving, stay};
use crate::storage::in_transaction;
use crate::stub::storage_failed;

impl Inner {
    /// Gives an entry up. Repeating it changes nothing.
    pub(super) async fn leave(
        &self,
        name: &LaneName,
        shopper: ShopperId,
        index: u64,
    ) -> Reply<LaneReply> {
        if let Some(problem) = self.over.borrow().clone() {
            return Err(problem);
        }
        let is_here = self
            .with_lane(|_, sql| mark_leaving(sql, shopper, index))
            .map_err(|error| storage_failed(&error))?;
        if is_here {
            self.finish_leaving(name, shopper, index).await.1?;
            return Ok(LaneReply::Done);
        }
        let last = self.with_lane(|_, sql| last_given(sql, index));
        check_given(last.map_err(|error| storage_failed(&error))?, index)?;
        Ok(LaneReply::Done)
    }

    /// An entry is marked: tells the queue, and writes what became of it. With it comes what the
    /// queue said.
    pub(super) async fn finish_leaving(
        &self,
        name: &LaneName,
        shopper: ShopperId,
        index: u64,
    ) -> (Left, Reply<()>) {
        let holder = Holder {
            epoch: name.epoch,
            index,
            position: None,
            shopper,
        };
        let reply = self.ask(name, Event::Leave(holder)).await;
        let left = Left::of(&reply);
        let written = match left {
            Left::Gone => self.forget(shopper, index),
            Left::Stays => self.change(|sql| stay(sql, shopper, index)),
            Left::Unknown => Ok(()),
        };
        match written {
            Ok(()) => (left, reply.map(|_| ())),
            Err(error) => (Left::Unknown, Err(storage_failed(&error))),
        }
    }

    /// Removes an entry that stands for nothing any more.
    pub(super) fn forget(&self, shopper: ShopperId, index: u64) -> Result<()> {
        self.change(|sql| rows::forget(sql, shopper, index))
    }

    /// Writes, unless all that was stored is gone.
    fn change(&self, write: impl Fn(&SqlStorage) -> Result<()>) -> Result<()> {
        if self.over.borrow().is_some() {
            return Ok(());
        }
        self.with_lane(|_, _| Ok(()))?;
        in_transaction(&self.state.storage(), |sql| write(sql))
    }
}
