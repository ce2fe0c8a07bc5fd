//! How far to call up: enough shoppers that the next seconds' slots find somebody present, and no
//! more than come. Boarding only grows. It decides nothing about order or limits, so an estimate
//! that is off costs waiting or idle time, never fairness.

pub mod hearing;
pub(super) mod pace;
pub mod soon;

use self::hearing::HEARING_MILLIS;
use crate::UnixMillis;
use crate::queue::state::head::Head;

/// How far ahead admissions are foreseen: a hearing time, and some seconds for those who come at
/// its end.
pub const HORIZON_MILLIS: u64 = HEARING_MILLIS + 3_000;
/// How far ahead those are counted who are told to poll fast.
pub const SOON_MILLIS: u64 = 60_000;
/// One in so many slots, and one where there are two or more, has somebody waiting for it beside
/// those who are foreseen, for sessions end at random.
pub const SPARE_PART: u64 = 16;
/// How often the next round is doubled while nobody comes.
const DOUBLINGS_MAX: u32 = 6;
/// What one session's length weighs in the mean: the last dozen or two count.
const SESSION_WEIGHT: u64 = 16;
/// What is assumed before anything was seen: 4 of 5 come. It weighs as much as two shoppers seen.
const PRIOR_CAME: f64 = 1.6;
const PRIOR_CALLED: f64 = 2.0;
/// The lowest share reckoned with: below it, calling up more at once would only swamp.
const SHARE_MIN: f64 = 0.02;
/// Old shows fade when this many were counted.
const FADE_AT: u64 = 1_000;

/// A hearing time's call-ups, and what came of them.
struct Round {
    began_at: UnixMillis,
    somebody_came: bool,
}

/// What the controller knows beyond the stored head. Lost with an eviction, and soon seen again.
#[derive(Default)]
pub struct Controller {
    /// The running round, if anybody was called up in it.
    round: Option<Round>,
    /// How many rounds in a row called somebody up and brought nobody.
    in_vain: u32,
}

impl Controller {
    /// Notes that a called-up shopper came for the first time.
    pub fn came(&mut self) {
        if let Some(round) = &mut self.round {
            round.somebody_came = true;
        }
        self.in_vain = 0;
    }

    /// Nothing is known of rounds: neither time nor a pause lets the next one grow.
    pub fn begin_afresh(&mut self) {
        self.round = None;
        self.in_vain = 0;
    }

    /// How many to call up so that about `wanted` shoppers are or soon will be present: `present`
    /// are here already, and `expected` may still come.
    pub fn step(
        &mut self,
        head: &Head,
        wanted: u64,
        present: u64,
        expected: u64,
        now: UnixMillis,
    ) -> u64 {
        self.end_round(now);
        let share = share(head);
        let coming = scale(expected, share);
        let shortfall = wanted.saturating_sub(present).saturating_sub(coming);
        scale(shortfall, 1.0 / share).saturating_mul(1 << self.in_vain)
    }

    fn end_round(&mut self, now: UnixMillis) {
        let Some(round) = &self.round else { return };
        if now < round.began_at.saturating_add(HEARING_MILLIS) {
            return;
        }
        self.in_vain = if round.somebody_came {
            0
        } else {
            self.in_vain.saturating_add(1).min(DOUBLINGS_MAX)
        };
        self.round = None;
    }

    /// Notes that somebody was called up.
    pub fn called_up(&mut self, now: UnixMillis) {
        self.round.get_or_insert(Round {
            began_at: now,
            somebody_came: false,
        });
    }
}

/// Notes how many of those who had their time to come did, and how many there were.
pub fn note_show(head: &mut Head, called: u64, came: u64) {
    head.called = head.called.saturating_add(called);
    head.came = head.came.saturating_add(came);
    if head.called > FADE_AT {
        head.called /= 2;
        head.came /= 2;
    }
}

/// The share of called-up shoppers who come.
#[expect(clippy::cast_precision_loss, reason = "counts below some thousands")]
pub fn share(head: &Head) -> f64 {
    let came = head.came as f64 + PRIOR_CAME;
    let called = head.called as f64 + PRIOR_CALLED;
    (came / called).clamp(SHARE_MIN, 1.0)
}

/// How long an admission is held, on average, in milliseconds: half of what it may be, until some
/// have ended.
pub fn session_millis(head: &Head) -> u64 {
    let most = u64::from(head.config.session_seconds).saturating_mul(1_000);
    head.session_millis.unwrap_or(most / 2).max(1)
}

/// Notes how long an admission was held.
pub fn note_session(head: &mut Head, millis: u64) {
    let before = session_millis(head);
    let rest = before.saturating_mul(SESSION_WEIGHT.saturating_sub(1));
    head.session_millis = Some(rest.saturating_add(millis) / SESSION_WEIGHT);
}

/// So many, times that.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate, positive"
)]
pub fn scale(count: u64, factor: f64) -> u64 {
    (count as f64 * factor).ceil() as u64
}
