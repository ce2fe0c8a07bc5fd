//! Whose ticket it is: what it says is held against the queue's epoch, its record, and the place
//! that follows from its index, before anything comes of it.

use super::shoppers::NOWHERE;
use crate::ids::Epoch;
use crate::queue::event::Holder;
use crate::queue::machine::Machine;
use crate::queue::refusal::Refusal;
use crate::queue::state::claim::Claim;

impl Machine {
    pub(in crate::queue) fn check_epoch(&self, epoch: Epoch) -> Result<(), Refusal> {
        if epoch == self.head.epoch {
            Ok(())
        } else {
            Err(Refusal::Reset)
        }
    }

    /// Refuses a ticket for what was never given, and one that says something else of its holder or
    /// its place than its record.
    pub(in crate::queue) fn check_holder(
        &self,
        holder: &Holder,
        record: Option<&Claim>,
    ) -> Result<(), Refusal> {
        self.check_epoch(holder.epoch)?;
        let fits = self.record(holder.index, record).is_none_or(|claim| {
            // Who left before there were places has one by the shuffle, once it is known.
            let place = match claim.position {
                NOWHERE => holder.position.and(self.shuffle().position(claim.index)),
                place => Some(place),
            };
            let same_place = |said| place == Some(said);
            claim.shopper == holder.shopper && holder.position.is_none_or(same_place)
        });
        if holder.index < self.head.entered && fits {
            Ok(())
        } else {
            Err(Refusal::NeverGiven)
        }
    }

    /// The place of a ticket that has no record yet, once there are places. It follows from the
    /// index and the shuffle, each index's another, whatever the ticket says; one that says
    /// something else is refused.
    pub(in crate::queue) fn place_of(&self, holder: &Holder) -> Result<Option<u64>, Refusal> {
        let place = self.shuffle().position(holder.index);
        match (holder.position, place) {
            (Some(said), place) if place != Some(said) => Err(Refusal::NeverGiven),
            _ => Ok(place),
        }
    }

    /// Nobody ever loses their place to somebody who says that it is theirs.
    pub(in crate::queue) fn check_free(&self, position: u64) -> Result<(), Refusal> {
        if self.present.contains_key(&position) {
            return Err(Refusal::NeverGiven);
        }
        Ok(())
    }
}
