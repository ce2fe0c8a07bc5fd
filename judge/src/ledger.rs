//! What a queue wrote, added up: what every promise about grants is held against. Each look costs
//! the logarithm of what is live.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use tidegate_core::UnixMillis;
use tidegate_core::queue::shoppers::NOWHERE;
use tidegate_core::queue::{Claim, ClaimState, LaneMark};

use crate::evenly::Evenly;
use crate::hearing::Hearing;
use crate::limits::Limits;

/// Admissions are limited over this window.
const WINDOW_MILLIS: u64 = 60_000;

/// What is remembered of a record.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known {
    pub(crate) state: Option<ClaimState>,
    pub(crate) position: u64,
    pub(crate) admitted_at: Option<UnixMillis>,
    pub(crate) redeemed: bool,
}

impl Known {
    const fn of(claim: &Claim) -> Self {
        Self {
            state: Some(claim.state),
            position: claim.position,
            admitted_at: claim.admitted_at,
            redeemed: claim.redeemed_at.is_some(),
        }
    }

    pub(crate) fn is(&self, state: ClaimState) -> bool {
        self.state == Some(state)
    }

    fn is_active(&self) -> bool {
        self.state.is_some_and(ClaimState::is_active)
    }

    /// At the checkout: redeemed, and neither completed, released nor out of time.
    fn is_at_checkout(&self) -> bool {
        use ClaimState::{Completed, Expired, Released};
        self.redeemed && !matches!(self.state, Some(Completed | Released | Expired))
    }
}

/// See the module's documentation.
#[derive(Default)]
pub struct Ledger {
    pub(crate) limits: Limits,
    /// Whether the queue's writing is seen at all.
    pub(crate) is_kept: bool,
    pub(crate) leased: u64,
    /// Tickets whose holders left.
    pub(crate) left: u64,
    /// Each lane's last group.
    groups: BTreeMap<u16, u64>,
    pub(crate) boarding: u64,
    /// The queue's clock when it last wrote.
    pub(crate) clock: UnixMillis,
    /// By index.
    known: Vec<Known>,
    /// Positions.
    pub(crate) present: BTreeSet<u64>,
    pub(crate) active: u64,
    /// Redeemed and not ended.
    pub(crate) at_checkout: u64,
    pub(crate) completed: u64,
    pub(crate) granted: u64,
    /// When each admission of the last minute was given.
    recent: VecDeque<UnixMillis>,
    evenly: Evenly,
    pub(crate) hearing: Hearing,
}

impl Ledger {
    /// Indices leased so far.
    pub fn leased(&self) -> u64 {
        self.leased
    }

    /// Admissions held.
    pub fn active(&self) -> u64 {
        self.active
    }

    /// Shoppers who claimed and wait for a slot.
    pub fn present(&self) -> u64 {
        self.present.len() as u64
    }

    /// Admissions ever given.
    pub fn granted(&self) -> u64 {
        self.granted
    }

    /// How many more the limits allow, at the queue's time of the last admission.
    pub fn room_then(&mut self) -> u64 {
        let last = self.recent.back().copied().unwrap_or(0);
        self.room(last)
    }

    /// How many more the limits allow at this moment.
    pub(crate) fn room(&mut self, now: UnixMillis) -> u64 {
        let recent = self.recent(now);
        let Limits {
            max_active,
            rate,
            max_admissions,
            ..
        } = self.limits;
        let active = max_active.map(|most| u64::from(most).saturating_sub(self.active));
        let stock = max_admissions.map(|most| most.saturating_sub(self.active + self.completed));
        let rate = rate.map(|rate| {
            u64::from(rate)
                .saturating_sub(recent)
                .min(self.evenly.room(rate, &self.recent, now))
        });
        [active, stock, rate]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(u64::MAX)
    }

    /// Admissions within the minute before this moment.
    pub(crate) fn recent(&mut self, now: UnixMillis) -> u64 {
        // Not by `now`: a crash takes the clock back to when the queue last wrote.
        let over = |at: &UnixMillis| at + WINDOW_MILLIS <= self.clock;
        while self.recent.front().is_some_and(over) {
            self.recent.pop_front();
        }
        let old = self.recent.partition_point(|at| at + WINDOW_MILLIS <= now);
        (self.recent.len() - old) as u64
    }

    /// What is known of an index.
    pub(crate) fn of(&self, index: u64) -> Known {
        let at = usize::try_from(index).ok();
        let known = at.and_then(|at| self.known.get(at)).copied();
        known.unwrap_or_default()
    }

    /// Notes a lane's range. Returns the number of the lane's group before.
    pub(crate) fn lease(&mut self, mark: &LaneMark) -> Option<u64> {
        self.leased += u64::from(mark.granted);
        self.groups.insert(mark.lane, mark.sequence)
    }

    /// Notes a record, whose index was leased. Returns what was known before. Who is present is
    /// noted by [`come`](Self::come), once all of an event's records are.
    pub(crate) fn note(&mut self, claim: &Claim) -> Known {
        let now = Known::of(claim);
        let at = usize::try_from(claim.index).unwrap_or(usize::MAX);
        if self.known.len() <= at && claim.index < self.leased {
            self.known.resize(at + 1, Known::default());
        }
        let Some(known) = self.known.get_mut(at) else {
            return Known::default();
        };
        let before = core::mem::replace(known, now);
        let moved = |is: bool, was: bool| i64::from(is) - i64::from(was);
        let count = |count: &mut u64, by: i64| *count = count.saturating_add_signed(by);
        count(
            &mut self.at_checkout,
            moved(now.is_at_checkout(), before.is_at_checkout()),
        );
        count(&mut self.active, moved(now.is_active(), before.is_active()));
        let (left, completed) = (ClaimState::Left, ClaimState::Completed);
        count(&mut self.left, moved(now.is(left), before.is(left)));
        count(
            &mut self.completed,
            moved(now.is(completed), before.is(completed)),
        );
        if before.is(ClaimState::Present) {
            self.present.remove(&before.position);
        }
        if claim.position != NOWHERE {
            self.hearing.answers(claim.position);
        } else if before.state.is_none() {
            self.hearing.left_early();
        }
        if let (Some(at), None) = (claim.admitted_at, before.admitted_at) {
            self.recent.push_back(at);
            self.evenly.admitted(at);
            self.granted += 1;
        }
        before
    }

    /// Somebody is present at this position. `false`: somebody is already.
    pub(crate) fn come(&mut self, position: u64) -> bool {
        self.present.insert(position)
    }
}
