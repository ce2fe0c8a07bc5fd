//! The lane's one worker: it looks up who arrived, writes groups down, leases their indices, and
//! tells everybody what came of it.

use std::rc::Rc;
use std::time::Duration;

use tidegate_core::calls::{LaneName, Reply};
use tidegate_core::fair::Root;
use tidegate_core::lane::rows::row as name_row;
use tidegate_core::lane::{Group, Outcomes, Work};
use tidegate_core::queue::{Answer, Event};
use worker::{Delay, Result};

use super::rows::{find, insert, key, settle};
use super::{Inner, REVIEW, is_over};
use crate::storage::{in_transaction, now, run};
use crate::stub::{interrupted, storage_failed};

/// Works off groups until none is left. Runs beside the requests, one at a time.
pub(super) async fn work(inner: Rc<Inner>, name: LaneName) {
    let _working = Working(Rc::clone(&inner));
    if let Err(problem) = inner.work_off(&name).await {
        inner.give_up(&problem);
    }
}

/// While it lives, the lane's one worker runs. If the worker ends for whatever reason, the next
/// shopper starts another, and nobody is left waiting.
struct Working(Rc<Inner>);

impl Drop for Working {
    fn drop(&mut self) {
        self.0.working.set(false);
        if !self.0.waiters.borrow().is_empty() {
            self.0.give_up(&interrupted());
        }
    }
}

impl Inner {
    async fn work_off(&self, name: &LaneName) -> Reply<()> {
        loop {
            // Nothing is read, and so made anew, once all that was stored is gone.
            if let Some(problem) = self.over.borrow().clone() {
                return Err(problem);
            }
            let next = self
                .look_up()
                .and_then(|()| self.with_lane(|lane, _| Ok(lane.next_work(name, now()))));
            match next.map_err(|error| storage_failed(&error))? {
                None => return Ok(()),
                Some(Work::Write(group)) => self
                    .write_group(name, &group)
                    .await
                    .map_err(|error| storage_failed(&error))?,
                Some(Work::Tell(outcomes)) => self.tell(outcomes),
                Some(Work::Lease {
                    sequence,
                    count,
                    root,
                }) => {
                    let pause = self.lease(name, sequence, count, root).await?;
                    Delay::from(pause).await;
                }
            }
        }
    }

    /// Looks up all who arrived, together. Who has an entry is told, all others join the next
    /// group.
    fn look_up(&self) -> Result<()> {
        let outcomes = self.with_lane(|lane, sql| {
            let arrivals = lane.arrivals();
            if arrivals.is_empty() {
                return Ok(Outcomes::new());
            }
            let entries = find(sql, &arrivals)?;
            Ok(lane.looked_up(arrivals, |shopper| entries.get(&shopper).copied()))
        })?;
        self.tell(outcomes);
        Ok(())
    }

    async fn write_group(&self, name: &LaneName, group: &Group) -> Result<()> {
        let storage = self.state.storage();
        let first_write = !self.named.get();
        let json = name_row(name)?;
        in_transaction(&storage, |sql| {
            if first_write {
                run(
                    sql,
                    "INSERT OR REPLACE INTO name (id, json) VALUES (1, ?)",
                    vec![json.as_str().into()],
                )?;
            }
            insert(sql, group)
        })?;
        if first_write {
            storage.set_alarm(REVIEW).await?;
            self.named.set(true);
        }
        Ok(())
    }

    /// Leases the pending group's range, writes it down and tells the members. Returns how long the
    /// next group should gather.
    async fn lease(
        &self,
        name: &LaneName,
        sequence: u64,
        count: u32,
        root: Root,
    ) -> Reply<Duration> {
        let event = Event::Lease {
            epoch: name.epoch,
            lane: name.number,
            sequence,
            count,
            root,
        };
        let reply = self.ask(name, event).await;
        if let Some(problem) = self.over.borrow().clone() {
            return Err(problem);
        }
        let (first, granted, logged, pause, outcomes) = match reply {
            Ok(Answer::Leased {
                first,
                granted,
                called,
                logged,
                linger_ms,
            }) => {
                let outcomes = self.with_lane(|lane, _| Ok(lane.leased(first, granted, called)));
                let pause = Duration::from_millis(linger_ms.into());
                (Some(first), granted, logged, pause, outcomes)
            }
            Err(problem) if is_over(&problem) => {
                if let Err(error) = self.retire(&problem).await {
                    storage_failed(&error);
                }
                return Err(problem);
            }
            Err(problem) if problem.code.status() < 500 => {
                let outcomes = self.with_lane(|lane, _| Ok(lane.refused(&problem)));
                (None, 0, false, Duration::ZERO, outcomes)
            }
            other => {
                // Who has an entry already keeps it in view.
                self.look_up().map_err(|error| storage_failed(&error))?;
                return Err(other.err().unwrap_or_else(interrupted));
            }
        };
        let outcomes = outcomes
            .and_then(|outcomes| {
                self.write_outcome(sequence, first, granted, logged, &outcomes)?;
                Ok(outcomes)
            })
            .map_err(|error| storage_failed(&error))?;
        self.tell(outcomes);
        Ok(pause)
    }

    /// Writes what became of a group, and removes the entries that got no index.
    fn write_outcome(
        &self,
        sequence: u64,
        first: Option<u64>,
        granted: u32,
        logged: bool,
        outcomes: &Outcomes,
    ) -> Result<()> {
        if !logged {
            // Who is asked about now has no receipt, and none is looked for.
            let end = first.unwrap_or(0).saturating_add(granted.into());
            self.unlogged.set((first.unwrap_or(0), end));
        }
        in_transaction(&self.state.storage(), |sql| {
            settle(sql, sequence, first, granted, logged)?;
            for (shopper, _) in outcomes.iter().filter(|(_, outcome)| outcome.is_err()) {
                run(
                    sql,
                    "DELETE FROM entries WHERE shopper = ?",
                    vec![key(*shopper)],
                )?;
            }
            Ok(())
        })
    }
}
