//! The queue's invariants, checked from outside after every event: what it wrote is held against
//! limits and orders that are reckoned here anew. Each look costs the logarithm of what is live.

mod limits;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::evenly::Evenly;
use crate::kept_back::Hearing;
use crate::lane_object::LaneObject;
use crate::violation::{Violation, ensure, named};
use tidegate_core::UnixMillis;
use tidegate_core::queue::shoppers::NOWHERE;
use tidegate_core::queue::{Claim, ClaimState, Effect, Head};
use tidegate_core::view::snapshot::Phase;

pub use limits::Limits;

#[derive(Clone, Copy, Default)]
struct Known {
    state: Option<ClaimState>,
    position: u64,
    admitted_at: Option<UnixMillis>,
    redeemed: bool,
}

impl Known {
    /// At the checkout: redeemed, and neither completed, released nor out of time.
    fn is_at_checkout(&self) -> bool {
        use ClaimState::{Completed, Expired, Released};
        let ended = matches!(self.state, Some(Completed | Released | Expired));
        self.redeemed && !ended
    }
}

/// What an observer remembers of a queue.
#[derive(Default)]
pub struct Check {
    leased: u64,
    /// Tickets whose holders left.
    left: u64,
    /// Each lane's last group.
    groups: BTreeMap<u16, u64>,
    boarding: u64,
    /// The queue's clock when it last wrote.
    clock: UnixMillis,
    /// By index.
    known: Vec<Known>,
    /// Positions.
    present: BTreeSet<u64>,
    active: u64,
    /// Redeemed and not ended.
    at_checkout: u64,
    /// The most that may be: what the limit is, or, since it was lowered, as many as were held and still are.
    checkouts_max: u64,
    completed: u64,
    granted: u64,
    /// When each admission of the last minute was given.
    recent: VecDeque<UnixMillis>,
    evenly: Evenly,
    hearing: Hearing,
    /// Admissions while somebody before them, who was called up, still had time to hear of it, beyond the slots
    /// that were left.
    pub overtaken_in_hearing: u64,
    /// Admissions while somebody before them had let that time pass.
    pub overtaken_later: u64,
}

impl Check {
    /// Indices leased so far.
    pub fn leased(&self) -> u64 {
        self.leased
    }

    /// Admissions held.
    pub fn active(&self) -> u64 {
        self.active
    }

    /// The queue's clock when it last admitted somebody.
    pub fn now(&self) -> UnixMillis {
        self.recent.back().copied().unwrap_or(0)
    }

    /// Shoppers who claimed and wait for a slot.
    pub fn present(&self) -> u64 {
        self.present.len() as u64
    }

    /// Admissions ever given.
    pub fn granted(&self) -> u64 {
        self.granted
    }

    /// Looks at what one event wrote.
    pub fn wrote(&mut self, effects: &[Effect], limits: &Limits) -> Result<(), Violation> {
        let (mut newly_present, mut highest, mut last) = (Vec::new(), None, 0);
        let mut granted = 0;
        for effect in effects {
            match effect {
                Effect::SaveLane(mark) => {
                    ensure(
                        mark.first == self.leased && mark.granted > 0,
                        named::DENSE,
                        || format!("after {} indices, {mark:?}", self.leased),
                    )?;
                    let before = self.groups.insert(mark.lane, mark.sequence);
                    ensure(before < Some(mark.sequence), named::DENSE, || {
                        format!("after group {before:?}, {mark:?}")
                    })?;
                    self.leased += u64::from(mark.granted);
                    let most = limits.max_participants.unwrap_or(u64::MAX);
                    let standing = self.leased - self.left;
                    ensure(standing <= most, named::LIMITS, || {
                        format!("{standing} entries stand, of {most}")
                    })?;
                }
                Effect::SaveClaim(claim) => {
                    if let Some(at) = self.note(claim, &mut newly_present)? {
                        highest = highest.max(Some(claim.position));
                        last = at;
                        granted += 1;
                    }
                }
                Effect::SaveCallUp(call_up) => self.hearing.called_up(*call_up),
                Effect::Wipe
                | Effect::SaveHead
                | Effect::LogGroup(_)
                | Effect::EndLife(_)
                | Effect::SaveArrival(_)
                | Effect::SaveReport(_)
                | Effect::RetireLanes { .. }
                | Effect::CloseRelays { .. }
                | Effect::SaveStretch { .. } => {}
            }
        }
        self.check_checkouts(limits)?;
        if let Some(highest) = highest {
            self.check_limits(limits, last)?;
            let first = self.present.first().copied();
            ensure(
                first.is_none_or(|first| first > highest),
                named::IN_ORDER,
                || format!("position {highest} was admitted before {first:?}, who was present"),
            )?;
            self.check_kept_back(limits, highest, granted, last)?;
        }
        for position in newly_present {
            ensure(self.present.insert(position), named::DENSE, || {
                format!("two are present at position {position}")
            })?;
        }
        Ok(())
    }

    /// Notes a record; says when it was admitted, if that is new.
    fn note(
        &mut self,
        claim: &Claim,
        newly_present: &mut Vec<u64>,
    ) -> Result<Option<UnixMillis>, Violation> {
        let at = usize::try_from(claim.index).unwrap_or(usize::MAX);
        ensure(claim.index < self.leased, named::SEALED, || {
            format!("{claim:?} has an index that was never given")
        })?;
        if self.known.len() <= at {
            self.known.resize(at + 1, Known::default());
        }
        let Some(known) = self.known.get_mut(at) else {
            return Ok(None);
        };
        let before = core::mem::replace(
            known,
            Known {
                state: Some(claim.state),
                position: claim.position,
                admitted_at: claim.admitted_at,
                redeemed: claim.redeemed_at.is_some(),
            },
        );
        let is_at_checkout = known.is_at_checkout();
        self.at_checkout =
            self.at_checkout + u64::from(is_at_checkout) - u64::from(before.is_at_checkout());
        let ended = before.state.is_some_and(|was| !was.is_live());
        let late = claim.state == ClaimState::Completed && claim.redeemed_at.is_some();
        ensure(
            !ended || before.state == Some(claim.state) || late,
            named::ONE_EACH,
            || format!("{claim:?} came back from {:?}", before.state),
        )?;
        let same = before.admitted_at.is_none() || before.admitted_at == claim.admitted_at;
        ensure(same, named::ONE_EACH, || {
            format!("{claim:?} was admitted at {:?} before", before.admitted_at)
        })?;
        let was_active = before.state.is_some_and(ClaimState::is_active);
        self.active = self.active + u64::from(claim.state.is_active()) - u64::from(was_active);
        let was_left = before.state == Some(ClaimState::Left);
        self.left += u64::from(claim.state == ClaimState::Left) - u64::from(was_left);
        let was_completed = before.state == Some(ClaimState::Completed);
        self.completed +=
            u64::from(claim.state == ClaimState::Completed) - u64::from(was_completed);
        if before.state == Some(ClaimState::Present) {
            self.present.remove(&before.position);
        }
        if claim.state == ClaimState::Present {
            newly_present.push(claim.position);
        }
        if claim.position != NOWHERE {
            self.hearing.answers(claim.position);
        } else if before.state.is_none() {
            self.hearing.left_early();
        }
        let new = claim.admitted_at.filter(|_| before.admitted_at.is_none());
        if let Some(at) = new {
            self.recent.push_back(at);
            self.evenly.admitted(at);
            self.granted += 1;
        }
        Ok(new)
    }

    /// A slot is left for everybody before the highest admitted position who still has time to hear of their call.
    fn check_kept_back(
        &mut self,
        limits: &Limits,
        highest: u64,
        granted: u64,
        now: UnixMillis,
    ) -> Result<(), Violation> {
        self.hearing.forget(now);
        let unheard = self.hearing.unheard_below(highest, self.boarding, now);
        // Of several, the highest may have been the first, while the others' slots were free.
        let room = self.room(limits, now).saturating_add(granted - 1);
        self.overtaken_in_hearing += u64::from(unheard > room);
        let is_missed = self.hearing.is_missed(highest, self.boarding);
        self.overtaken_later += u64::from(is_missed);
        ensure(unheard <= room, named::IN_ORDER, || {
            format!(
                "position {highest} was admitted, {unheard} before it had time to hear of their call, and {room} slots were left"
            )
        })
    }

    /// Looks at the queue as it stands after an event, which wrote something or did not.
    pub fn stands(&mut self, head: &Head, limits: &Limits, wrote: bool) -> Result<(), Violation> {
        ensure(head.entered == self.leased, named::DENSE, || {
            format!("{} entered, {} leased", head.entered, self.leased)
        })?;
        ensure(head.clock >= self.clock, named::DURABLE, || {
            format!("time ran back from {} to {}", self.clock, head.clock)
        })?;
        if wrote {
            self.clock = head.clock;
        }
        let (was, boarding) = (self.boarding, head.boarding);
        ensure(
            (was..=head.entered).contains(&boarding),
            named::IN_ORDER,
            || format!("boarding went from {was} to {boarding} of {}", head.entered),
        )?;
        self.boarding = boarding;
        let first_present = self.present.first().copied();
        if head.phase(head.clock) != Phase::Open || first_present.is_none() {
            return Ok(());
        }
        let first = first_present.unwrap_or(0);
        self.hearing.forget(head.clock);
        let kept = head
            .batches
            .iter()
            .filter(|batch| batch.hears_by > head.clock);
        let kept: u64 = kept
            .map(|batch| batch.to.min(first).saturating_sub(batch.from))
            .sum();
        let room = self.room(limits, head.clock);
        ensure(room <= kept, named::LIVE, || {
            format!(
                "position {first} is present, {room} slots are free, and {kept} may be kept back"
            )
        })
    }

    /// Looks at a queue that was read back from storage: it must be what was written.
    pub fn read_back(&self, head: &Head, present: u64, active: u64) -> Result<(), Violation> {
        let (read, known) = (
            (
                head.entered,
                head.boarding,
                head.completed,
                head.admitted,
                present,
                active,
            ),
            (
                self.leased,
                self.boarding,
                self.completed,
                self.granted,
                self.present(),
                self.active,
            ),
        );
        ensure(read == known, named::DURABLE, || {
            format!(
                "read back {read:?}, acknowledged {known:?} (entered, boarding, completed, admitted, present, active)"
            )
        })
    }

    /// What lanes wrote down is what the queue leased, each index once.
    pub fn lanes<'a>(&self, lanes: impl Iterator<Item = &'a LaneObject>) -> Result<(), Violation> {
        let mut ranges: Vec<_> = lanes.flat_map(LaneObject::ranges).collect();
        ranges.sort_unstable();
        let mut end = 0;
        for (first, granted, count) in ranges {
            let whole = u64::try_from(count).is_ok_and(|count| count >= u64::from(granted));
            ensure(first >= end && whole, named::DENSE, || {
                format!("a group of {count} holds {granted} from {first}; {end} are held")
            })?;
            end = first + u64::from(granted);
        }
        ensure(end <= self.leased, named::DENSE, || {
            format!("lanes hold {end} of {} indices", self.leased)
        })
    }
}
