//! How an operator configures a queue: made, replaced, patched. What a change comes to is said in
//! the answer, and nothing that holds shoppers back goes because it was not named.

use serde_json::{Value, json};

use crate::UnixMillis;
use crate::config::QueueConfig;
use crate::fair::Fresh;
use crate::ids::QueueId;
use crate::queue::event::{Answer, Effect, Step};
use crate::queue::machine::{Machine, Stored};
use crate::queue::refusal::Refusal;
use crate::queue::state::head::{End, Head};
use crate::queue::state::rows::PRODUCT;
use crate::terms::Closing;

/// Makes a queue.
pub(in crate::queue) fn create(
    machine: &mut Option<Machine>,
    id: QueueId,
    config: &Value,
    fresh: Fresh,
    now: UnixMillis,
) -> Step {
    let mut effects: Vec<Effect> = Vec::new();
    let config = id
        .check_new()
        .and_then(|()| QueueConfig::parse(config, &id))
        .and_then(|config| config.check_closing(None, now).map(|()| config));
    let answer = config.map(|config| {
        let remarks = config.remarks(None, now);
        let mut made = Machine::restore(Head::new(id, config, fresh, now), Stored::default());
        made.open_if_due(now);
        made.dirty.head = true;
        made.dirty.versioned = true;
        let answer = made.report_of(&[("changed", json!([])), ("remarks", json!(remarks))], now);
        effects = made.take_effects();
        *machine = Some(made);
        answer
    });
    Step { answer, effects }
}

impl Machine {
    /// Replaces the configuration of a queue that exists. What a live one would lose must be
    /// `confirmed`.
    pub(in crate::queue) fn replace(
        &mut self,
        config: &Value,
        confirmed: bool,
        fresh: Fresh,
        now: UnixMillis,
    ) -> Result<Answer, Refusal> {
        let config = QueueConfig::parse(config, &self.head.id)?;
        let is_live = self.head.entered > 0 || self.head.opened.is_some();
        if is_live && !confirmed {
            config.check_removals_from(&self.head.config)?;
        }
        // What is replaced is replaced whole.
        let unserved = core::mem::take(&mut self.head.unserved);
        let answer = self.configure(config, fresh, now);
        if answer.is_err() {
            self.head.unserved = unserved;
        }
        answer
    }

    pub(in crate::queue) fn patch(
        &mut self,
        patch: &Value,
        fresh: Fresh,
        now: UnixMillis,
    ) -> Result<Answer, Refusal> {
        let config = self.head.config.merged(patch, &self.head.id)?;
        self.configure(config, fresh, now)
    }

    fn configure(
        &mut self,
        config: QueueConfig,
        fresh: Fresh,
        now: UnixMillis,
    ) -> Result<Answer, Refusal> {
        let open = self.head.opened.is_some();
        config.check_change_from(&self.head.config, self.head.entered, open)?;
        config.check_closing(Some(&self.head.config), now)?;
        let end = self.head.end(now);
        let before = core::mem::replace(&mut self.head.config, config);
        // Who was told that they did not win must not find that they might have.
        if self.is_draw() && self.head.entered > 0 && end.is_some() && self.head.end(now).is_none()
        {
            self.head.config = before;
            return Err(Refusal::DrawOver);
        }
        let changed = self.head.config.changes_from(&before);
        if self.head.config.product != before.product {
            self.head.unserved.remove(PRODUCT);
        }
        let remarks = self.remarks(&before, end, now);
        if self.head.entered == 0 {
            self.head.opened = None;
            // Nobody has entered yet, but some may be on their way through lanes picked among the
            // old number: in an epoch of its own, each shopper has one lane. And once a queue has
            // opened, its audit tells the secret: an opening that is put off needs another.
            let is_put_off = open && now < self.head.opens_at();
            if is_put_off || before.lanes != self.head.config.lanes {
                self.begin_anew(before.lanes, fresh, now);
            }
        }
        self.open_if_due(now);
        self.note_change(now);
        let said = [("changed", json!(changed)), ("remarks", json!(remarks))];
        Ok(self.report_of(&said, now))
    }

    /// What an operator may not have meant by the change from `before`, when `end` had ended the
    /// queue.
    fn remarks(&self, before: &QueueConfig, end: Option<End>, now: UnixMillis) -> Vec<String> {
        let config = &self.head.config;
        let mut remarks = config.remarks(Some(before), now);
        remarks.extend(self.head.unserved_remark());
        if self.head.closed && config.closes_at != before.closes_at {
            remarks.push(String::from(
                "the queue was closed, and stays so until it is reopened",
            ));
        }
        if end.is_none() && self.head.end(now) == Some(End::Stock) {
            remarks.push(format!(
                "maxAdmissions is no more than the {} that are sold: the queue is sold out",
                self.head.completed
            ));
        }
        remarks
    }

    /// Ends an epoch in which nobody entered, and begins the next.
    fn begin_anew(&mut self, lanes: u16, fresh: Fresh, now: UnixMillis) {
        self.dirty.retire = Some((self.head.epoch, lanes));
        self.dirty.ended = Some(self.life(now));
        self.dirty.close_relays = self.close_relays(Closing::Reset);
        self.forget_relays();
        self.head.created_at = now;
        self.head.epoch = fresh.epoch;
        self.head.secret = fresh.secret;
        self.head.chain = fresh.chain;
    }

    /// The report, with more to say.
    pub(in crate::queue) fn report_of(&self, more: &[(&str, Value)], now: UnixMillis) -> Answer {
        match self.report(now) {
            Answer::Report(Value::Object(mut report)) => {
                for (name, said) in more {
                    report.insert((*name).to_owned(), said.clone());
                }
                Answer::Report(Value::Object(report))
            }
            other => other,
        }
    }
}
