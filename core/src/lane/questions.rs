//! When a lane asks the queue whether entries that were called up still stand: about each entry
//! once a second at most, however often somebody enters with it.
//!
//! Nothing that the queue said is said again, for an entry may end at any moment, and who then
//! enters gets another place. So who comes within the second waits for the next question, with all
//! others who do, and hears what was asked after they came.

use std::collections::BTreeMap;

use super::too_many;
use crate::UnixMillis;
use crate::problem::Problem;

/// A question about an entry comes so long after the one before.
const EVERY_MILLIS: u64 = 1_000;
/// Who was to ask is given up so long after they should have.
const LOST_MILLIS: u64 = 5_000;
/// The most entries that are remembered, and the most who wait.
const QUESTIONS_MAX: usize = 8_192;
const WAITING_MAX: usize = 5_000;

/// See the module's documentation. `W` is somebody who waits.
pub struct Questions<W> {
    /// By the entry's index.
    questions: BTreeMap<u64, Question<W>>,
    waiting: usize,
}

struct Question<W> {
    /// When it was asked last or, while somebody waits, when it is to be asked.
    at: UnixMillis,
    waiting: Vec<W>,
}

impl<W> Default for Questions<W> {
    fn default() -> Self {
        Self {
            questions: BTreeMap::new(),
            waiting: 0,
        }
    }
}

impl<W> Questions<W> {
    /// Somebody wants to know whether an entry stands. `Some` says when: by then, the one who
    /// brought them must [`begin`](Self::begin) to ask. `None`: somebody was brought before them.
    pub fn want(
        &mut self,
        index: u64,
        who: W,
        now: UnixMillis,
    ) -> Result<Option<UnixMillis>, Problem> {
        if self.waiting >= WAITING_MAX {
            return Err(too_many());
        }
        if self.questions.len() >= QUESTIONS_MAX && !self.questions.contains_key(&index) {
            self.questions.retain(|_, question| {
                !question.waiting.is_empty() || now < question.at.saturating_add(EVERY_MILLIS)
            });
            if self.questions.len() >= QUESTIONS_MAX {
                return Err(too_many());
            }
        }
        let (at, is_new) = match self.questions.get(&index) {
            Some(next) if !next.waiting.is_empty() => {
                let is_lost = now >= next.at.saturating_add(LOST_MILLIS);
                (if is_lost { now } else { next.at }, is_lost)
            }
            Some(last) => (last.at.saturating_add(EVERY_MILLIS).max(now), true),
            None => (now, true),
        };
        let question = self.questions.entry(index).or_insert_with(|| Question {
            at,
            waiting: Vec::new(),
        });
        question.at = at;
        question.waiting.push(who);
        self.waiting = self.waiting.saturating_add(1);
        Ok(is_new.then_some(at))
    }

    /// The queue is asked about this entry now: for these.
    pub fn begin(&mut self, index: u64, now: UnixMillis) -> Vec<W> {
        let Some(question) = self.questions.get_mut(&index) else {
            return Vec::new();
        };
        question.at = now;
        let who = core::mem::take(&mut question.waiting);
        self.waiting = self.waiting.saturating_sub(who.len());
        who
    }

    /// Memory is gone: those who waited.
    pub fn into_waiting(self) -> impl Iterator<Item = W> {
        let questions = self.questions.into_values();
        questions.flat_map(|question| question.waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Code;

    const NOW: UnixMillis = 1_000_000;

    #[test]
    fn an_entry_is_asked_about_once_a_second_however_many_want_to_know() {
        let mut questions = Questions::default();
        let mut asked = Vec::new();
        let mut told = Vec::new();
        // Somebody enters each 10 ms, for five seconds.
        for now in (NOW..NOW + 5_000).step_by(10) {
            if let Some(at) = questions.want(7, now, now).unwrap() {
                asked.push(at);
            }
            if let Some(at) = asked.last()
                && *at == now
            {
                told.extend(questions.begin(7, now));
            }
        }
        assert_eq!(asked, [0, 1, 2, 3, 4, 5].map(|second| NOW + 1_000 * second));
        told.extend(questions.begin(7, NOW + 5_000));
        assert_eq!(told.len(), 500, "everybody hears");
    }

    #[test]
    fn nobody_hears_what_was_asked_before_they_came() {
        let mut questions = Questions::default();
        assert_eq!(questions.want(7, "first", NOW), Ok(Some(NOW)));
        assert_eq!(questions.want(7, "with them", NOW), Ok(None));
        assert_eq!(questions.begin(7, NOW), ["first", "with them"]);
        // The answer is on its way, and is older than they are.
        assert_eq!(questions.want(7, "later", NOW + 1), Ok(Some(NOW + 1_000)));
        assert_eq!(questions.begin(7, NOW + 1_000), ["later"]);
    }

    #[test]
    fn entries_are_asked_about_each_by_itself() {
        let mut questions = Questions::default();
        assert_eq!(questions.want(7, (), NOW), Ok(Some(NOW)));
        assert_eq!(questions.want(8, (), NOW), Ok(Some(NOW)));
    }

    #[test]
    fn a_question_that_nobody_asked_in_time_is_another_s() {
        let mut questions = Questions::default();
        assert_eq!(questions.want(7, 1, NOW), Ok(Some(NOW)));
        assert_eq!(questions.want(7, 2, NOW + 4_999), Ok(None));
        assert_eq!(questions.want(7, 3, NOW + 5_000), Ok(Some(NOW + 5_000)));
        assert_eq!(questions.begin(7, NOW + 5_000), [1, 2, 3]);
    }

    #[test]
    fn memory_is_bounded_and_what_is_a_second_old_makes_room() {
        let mut questions = Questions::default();
        let most = u64::try_from(QUESTIONS_MAX).unwrap();
        for index in 0..most {
            questions.want(index, (), NOW).unwrap();
            questions.begin(index, NOW);
        }
        let refused = questions.want(most, (), NOW + 999).unwrap_err();
        assert_eq!(refused.code, Code::ServiceUnavailable);
        assert!(
            questions.want(0, (), NOW + 999).is_ok(),
            "a known one waits"
        );
        assert_eq!(questions.want(most, (), NOW + 1_000), Ok(Some(NOW + 1_000)));
        assert_eq!(questions.questions.len(), 2);
    }

    #[test]
    fn no_more_wait_than_there_is_room_for() {
        let mut questions = Questions::default();
        for _ in 0..WAITING_MAX {
            questions.want(7, (), NOW).unwrap();
        }
        let refused = questions.want(8, (), NOW).unwrap_err();
        assert_eq!(refused.code, Code::ServiceUnavailable);
        assert_eq!(questions.begin(7, NOW).len(), WAITING_MAX);
        assert!(questions.want(8, (), NOW).is_ok());
    }
}
