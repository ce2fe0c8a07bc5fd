//! What shoppers and their lanes ask of the queue: indices, a claim, a look, leaving.

use crate::UnixMillis;
use crate::fair::Root;
use crate::ids::{AdmissionId, Epoch, INDEX_MAX};
use crate::queue::boarding::note_show;
use crate::queue::event::{Answer, Grant, Holder, LaneMark};
use crate::queue::machine::Machine;
use crate::queue::refusal::Refusal;
use crate::queue::state::claim::{Claim, ClaimState};
use crate::view::snapshot::Phase;

/// The most entries in one group.
pub const GROUP_MAX: u32 = 10_000;
/// The place, on record, of who left before places were known.
pub const NOWHERE: u64 = INDEX_MAX;
/// The most of those whose places are computed when the queue is sealed. The others' are called up
/// like those of shoppers who stay away, and of them it is only known how many they are.
pub const LEFT_EARLY_MAX: usize = 10_000;
impl Machine {
    /// Gives a lane's group its range, the same one however often it is asked.
    pub(in crate::queue) fn lease(
        &mut self,
        epoch: Epoch,
        lane: u16,
        sequence: u64,
        count: u32,
        root: Root,
        now: UnixMillis,
    ) -> Result<Answer, Refusal> {
        self.check_epoch(epoch)?;
        if lane >= self.head.config.lanes || !(1..=GROUP_MAX).contains(&count) {
            return Err(Refusal::NoSuchLane);
        }
        if let Some((mark, _)) = self.lanes.get(&lane)
            && sequence <= mark.sequence
        {
            if sequence == mark.sequence && count == mark.count {
                let mark = mark.clone();
                return Ok(self.leased(mark, now));
            }
            return Err(Refusal::LeasedAlready {
                lane,
                sequence: mark.sequence,
            });
        }
        self.check_not_over(now)?;
        self.check_entry_open(now)?;
        let places = self
            .head
            .places()
            .map_or(u32::MAX, |places| u32::try_from(places).unwrap_or(u32::MAX));
        let granted = count.min(places);
        if granted == 0 {
            return Err(Refusal::Full);
        }
        let before = self.lanes.get(&lane).map_or(0, |(mark, _)| mark.total);
        let mark = LaneMark {
            lane,
            sequence,
            count,
            first: self.head.entered,
            granted,
            total: before.saturating_add(granted.into()),
        };
        self.note_arrival(mark.first, now);
        self.head.entered = self.head.entered.saturating_add(u64::from(granted));
        self.log_group(&mark, root);
        self.dirty.lane = Some(mark.clone());
        self.dirty.head = true;
        // Where the line is empty, entering calls up at once: the reply says so.
        self.settle(now);
        Ok(self.leased(mark, now))
    }

    /// Answers a lease, and reserves the time of the lane's next one.
    fn leased(&mut self, mark: LaneMark, now: UnixMillis) -> Answer {
        let slot = self.lanes.get(&mark.lane).map_or(0, |(_, slot)| *slot);
        let next = self.pacing.reserve(slot, self.head.config.lanes, now);
        let answer = Answer::Leased {
            first: mark.first,
            granted: mark.granted,
            called: self.head.called(),
            logged: self.head.is_entrant(mark.first),
            linger_ms: u32::try_from(next.saturating_sub(now)).unwrap_or(0),
        };
        self.lanes.insert(mark.lane, (mark, next));
        answer
    }

    /// Whether an entry still stands: it waits, is present, or holds an admission.
    pub(in crate::queue) fn stands(
        &self,
        epoch: Epoch,
        index: u64,
        record: Option<&Claim>,
    ) -> Result<Answer, Refusal> {
        self.check_epoch(epoch)?;
        let known = self.record(index, record);
        Ok(Answer::Stands(
            known.is_none_or(|claim| claim.state.is_live()),
        ))
    }

    /// A called-up shopper is here, and is admitted if a slot is free.
    pub(in crate::queue) fn claim(
        &mut self,
        holder: &Holder,
        record: Option<&Claim>,
        now: UnixMillis,
    ) -> Result<Answer, Refusal> {
        self.check_holder(holder, record)?;
        let known = self.record(holder.index, record);
        if known.is_none_or(|claim| claim.state == ClaimState::Away) {
            let away = known.cloned();
            self.check_not_over(now)?;
            let position = self.check_called_up(holder)?;
            self.check_not_paused(now)?;
            self.check_place(position)?;
            self.check_free(position)?;
            self.make_room(position, now)?;
            self.come(holder, position, away, now);
            self.settle(now);
        } else if let Some(claim) = known.filter(|claim| claim.state == ClaimState::Present) {
            self.renew(claim.position, now);
        }
        let claim = self
            .record(holder.index, record)
            .ok_or(Refusal::NeverGiven)?;
        match claim.state {
            ClaimState::Present => {
                self.check_not_over(now)?;
                self.check_not_paused(now)?;
                Ok(self.boarding(claim.position))
            }
            _ => self.held(claim),
        }
    }

    /// What a ticket holds, without claiming.
    pub(in crate::queue) fn look(
        &self,
        holder: &Holder,
        record: Option<&Claim>,
    ) -> Result<Answer, Refusal> {
        self.check_holder(holder, record)?;
        match self.record(holder.index, record) {
            None
            | Some(Claim {
                state: ClaimState::Away,
                ..
            }) => match self.check_called_up(holder) {
                Ok(position) if self.check_place(position).is_err() => Ok(Answer::Lapsed),
                Ok(_) | Err(Refusal::NotCalledUp { .. } | Refusal::NoPlaceYet) => {
                    Ok(Answer::Nothing)
                }
                Err(refusal) => Err(refusal),
            },
            Some(claim) if claim.state == ClaimState::Present => Ok(self.boarding(claim.position)),
            Some(claim) => self.held(claim),
        }
    }

    fn held(&self, claim: &Claim) -> Result<Answer, Refusal> {
        match claim.state {
            ClaimState::Admitted
            | ClaimState::Redeemed
            | ClaimState::Present
            | ClaimState::Away => Ok(Answer::Granted(self.grant(claim))),
            over => Err(Refusal::Held(over)),
        }
    }

    fn grant(&self, claim: &Claim) -> Grant {
        Grant {
            admission_id: AdmissionId {
                epoch: self.head.epoch,
                index: claim.index,
            },
            shopper: claim.shopper,
            position: claim.position.saturating_add(1),
            access: self.head.config.access,
            expires_at: claim.ends_at.unwrap_or(0),
            audience: self.head.config.audience.clone(),
            checkout_url: self.head.config.checkout_url.clone(),
        }
    }

    /// The place of a ticket that is called up. What the ticket says of it can only hold its holder
    /// back: nothing is computed for who says that they stand behind boarding.
    fn check_called_up(&self, holder: &Holder) -> Result<u64, Refusal> {
        let is_behind = |position: &u64| *position >= self.head.boarding;
        let place = match holder.position.filter(is_behind) {
            Some(position) => Some(position),
            None => self.place_of(holder)?,
        };
        match place {
            Some(position) if is_behind(&position) => Err(Refusal::NotCalledUp { position }),
            Some(position) => Ok(position),
            None => Err(Refusal::NoPlaceYet),
        }
    }

    /// Makes a called-up shopper present, for the first time or again.
    fn come(&mut self, holder: &Holder, position: u64, away: Option<Claim>, now: UnixMillis) {
        self.no_longer_awaited(position);
        let claim = if let Some(claim) = away {
            Claim {
                state: ClaimState::Present,
                claimed_at: now,
                ends_at: None,
                ..claim
            }
        } else {
            self.head.claimed = self.head.claimed.saturating_add(1);
            self.controller.came();
            if !self.has_answered(position, true) {
                // Late, and one who comes all the same.
                note_show(&mut self.head, 0, 1);
            }
            new_claim(holder, position, ClaimState::Present, now)
        };
        self.is_here(claim, now);
    }

    /// Gives up what a ticket holds. Repeating it changes nothing. From its redemption on an
    /// admission is the checkout's, whose session goes on: only the origin or its end free the
    /// slot.
    pub(in crate::queue) fn leave(
        &mut self,
        holder: &Holder,
        record: Option<&Claim>,
        now: UnixMillis,
    ) -> Result<Answer, Refusal> {
        self.check_holder(holder, record)?;
        let known = self.record(holder.index, record).cloned();
        match known.as_ref().map(|claim| (claim.state, claim.position)) {
            None => {
                let position = self.place_of(holder)?;
                self.head.left = self.head.left.saturating_add(1);
                match position {
                    Some(position) => {
                        self.leave_place(position);
                    }
                    None => self.leave_early(holder.index),
                }
                let position = position.unwrap_or(NOWHERE);
                self.save(new_claim(holder, position, ClaimState::Left, now));
            }
            Some((state @ (ClaimState::Present | ClaimState::Away), position)) => {
                self.present.remove(&position);
                self.presence.remove(position);
                if state == ClaimState::Away {
                    self.no_longer_awaited(position);
                }
                self.head.left_after_claiming = self.head.left_after_claiming.saturating_add(1);
                if let Some(claim) = known {
                    // Who is away stopped waiting then.
                    let away_since = claim.ends_at.filter(|_| state == ClaimState::Away);
                    self.save(Claim {
                        state: ClaimState::Left,
                        ends_at: Some(away_since.unwrap_or(now)),
                        ..claim
                    });
                }
            }
            Some((ClaimState::Admitted, _)) => {
                self.head.left_after_claiming = self.head.left_after_claiming.saturating_add(1);
                self.end(holder.index, ClaimState::Left, now);
            }
            Some((ClaimState::Redeemed, _)) => {
                return Err(Refusal::AtCheckout);
            }
            Some(_) => {}
        }
        Ok(Answer::Done)
    }

    /// Somebody who had not claimed gives up this place: nobody need wait for them.
    pub(in crate::queue) fn leave_place(&mut self, position: u64) {
        if position >= self.head.boarding {
            self.gone.leave(position, self.head.boarding);
        } else {
            self.has_answered(position, false);
            self.no_longer_awaited(position);
        }
    }

    /// Notes who left before there are places. The lowest indices are kept, in whatever order they
    /// left, so that memory and storage hold the same ones.
    fn leave_early(&mut self, index: u64) {
        self.head.left_unplaced = self.head.left_unplaced.saturating_add(1);
        self.left_early.insert(index);
        if self.left_early.len() > LEFT_EARLY_MAX {
            self.left_early.pop_last();
        }
    }

    /// A ticket's record: the live ones are in memory, what has just changed is newer than storage.
    pub(in crate::queue) fn record<'a>(
        &'a self,
        index: u64,
        stored: Option<&'a Claim>,
    ) -> Option<&'a Claim> {
        self.dirty
            .claims
            .get(&index)
            .or_else(|| self.active.get(&index))
            .or(stored)
    }

    fn check_not_over(&self, now: UnixMillis) -> Result<(), Refusal> {
        match self.head.phase(now) {
            Phase::Closed => Err(Refusal::Closed),
            Phase::SoldOut => Err(Refusal::SoldOut),
            _ => Ok(()),
        }
    }

    fn check_not_paused(&self, now: UnixMillis) -> Result<(), Refusal> {
        if self.head.phase(now) == Phase::Paused {
            Err(Refusal::Paused)
        } else {
            Ok(())
        }
    }

    fn boarding(&self, position: u64) -> Answer {
        Answer::Boarding {
            retry_after_ms: self.retry_after(position),
            server_time: self.head.clock,
        }
    }
}

fn new_claim(holder: &Holder, position: u64, state: ClaimState, now: UnixMillis) -> Claim {
    Claim {
        index: holder.index,
        position,
        shopper: holder.shopper,
        state,
        claimed_at: now,
        admitted_at: None,
        redeemed_at: None,
        ends_at: (state == ClaimState::Left).then_some(now),
        idempotency_key: None,
    }
}
