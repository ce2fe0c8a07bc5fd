//! What an operator asks of the queue. A limit lowered while live takes hold as slots free.

pub(super) mod configuring;
pub mod reporting;

use serde_json::json;

use crate::UnixMillis;
use crate::fair::Fresh;
use crate::queue::boarding::hearing::{HEARING_MILLIS, IDLE_HEARING_MILLIS};
use crate::queue::event::Answer;
use crate::queue::machine::{Dirty, Machine, Stored};
use crate::queue::refusal::Refusal;
use crate::queue::state::head::{End, Head};
use crate::terms::Closing;
use crate::view::snapshot::{Notice, Phase};

/// The longest notice, in characters.
const NOTICE_MAX: usize = 500;

impl Machine {
    pub(in crate::queue) fn set_paused(
        &mut self,
        paused: bool,
        now: UnixMillis,
    ) -> Result<Answer, Refusal> {
        if self.head.phase(now) == Phase::Closed {
            return Err(Refusal::ClosedAlready);
        }
        if paused {
            self.head.still_since.get_or_insert(now);
        } else {
            self.run_windows_on(HEARING_MILLIS, now);
        }
        self.head.paused = paused;
        Ok(self.changed(now))
    }

    pub(in crate::queue) fn close(&mut self, now: UnixMillis) -> Answer {
        self.head.closed = true;
        self.head.still_since.get_or_insert(now);
        self.changed(now)
    }

    /// Takes a closing back. Nobody was told another end meanwhile: see [`Head::end`].
    pub(in crate::queue) fn reopen(&mut self, now: UnixMillis) -> Result<Answer, Refusal> {
        match self.head.end(now) {
            Some(End::Time) => {
                return Err(Refusal::PastClosing);
            }
            Some(End::Stock) => {
                return Err(Refusal::AllSold);
            }
            None => {}
        }
        self.head.closed = false;
        if !self.head.paused {
            // Who heard that it was closed looks rarely.
            self.head.rare_until = now.saturating_add(IDLE_HEARING_MILLIS);
            self.run_windows_on(IDLE_HEARING_MILLIS, now);
        }
        Ok(self.changed(now))
    }

    pub(in crate::queue) fn notify(
        &mut self,
        notice: Option<Notice>,
        now: UnixMillis,
    ) -> Result<Answer, Refusal> {
        let length = notice.as_ref().map(|notice| notice.text.chars().count());
        if length.is_some_and(|length| !(1..=NOTICE_MAX).contains(&length)) {
            return Err(Refusal::NoticeLength);
        }
        self.head.notice = notice;
        Ok(self.changed(now))
    }

    pub(in crate::queue) fn reset(&mut self, fresh: Fresh, now: UnixMillis) -> Answer {
        let over = (self.head.epoch, self.head.config.lanes);
        let ended = Some(self.life(now));
        let close_relays = self.close_relays(Closing::Reset);
        let mut head = Head::new(self.head.id.clone(), self.head.config.clone(), fresh, now);
        // Who polls must see the new epoch as newer.
        head.version = self.head.version.saturating_add(1);
        // As many sockets as there were will come back.
        head.relays = self.head.relays;
        head.unserved = core::mem::take(&mut self.head.unserved);
        *self = Self::restore(head, Stored::default());
        self.dirty = Dirty {
            wipe: true,
            retire: Some(over),
            ended,
            close_relays,
            head: true,
            versioned: true,
            ..Dirty::default()
        };
        self.open_if_due(now);
        // What was to come when it was configured may lie behind.
        let remarks = self.head.config.remarks(None, now);
        self.report_of(&[("remarks", json!(remarks))], now)
    }

    /// Answers with the state that the change leads to.
    fn changed(&mut self, now: UnixMillis) -> Answer {
        self.note_change(now);
        self.report(now)
    }

    pub(in crate::queue) fn note_change(&mut self, now: UnixMillis) {
        self.dirty.head = true;
        self.dirty.versioned = true;
        self.head.version = self.head.version.saturating_add(1);
        self.settle(now);
    }
}
