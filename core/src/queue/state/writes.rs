//! What several events that are handled together come to: each row is written once, as the last of
//! them leaves it.

use std::collections::BTreeMap;

use super::claim::Claim;
use crate::fair::audit::Life;
use crate::fair::log::Logged;
use crate::queue::boarding::hearing::CallUp;
use crate::queue::entry::gone::Stretch;
use crate::queue::event::{Arrival, Effect, LaneMark};

/// Effects that are not written yet.
#[derive(Default)]
pub struct Writes {
    wipe: bool,
    head: bool,
    claims: BTreeMap<u64, Claim>,
    stretches: BTreeMap<u64, Option<Stretch>>,
    lanes: BTreeMap<u16, LaneMark>,
    logged: Vec<Logged>,
    arrivals: Vec<Arrival>,
    call_ups: Vec<CallUp>,
    report: Option<String>,
    /// Lives that ended; no wipe takes them.
    lives: Vec<Life>,
    /// Messages, in order.
    messages: Vec<Effect>,
}

impl Writes {
    /// Adds what one more event wants written.
    pub fn add(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Wipe => {
                    self.wipe = true;
                    self.head = false;
                    self.claims.clear();
                    self.stretches.clear();
                    self.lanes.clear();
                    self.logged.clear();
                    self.arrivals.clear();
                    self.call_ups.clear();
                    self.report = None;
                }
                Effect::SaveHead => self.head = true,
                Effect::SaveClaim(claim) => {
                    self.claims.insert(claim.index, claim);
                }
                Effect::SaveStretch { from, stretch } => {
                    self.stretches.insert(from, stretch);
                }
                Effect::SaveLane(mark) => {
                    self.lanes.insert(mark.lane, mark);
                }
                Effect::SaveArrival(arrival) => self.arrivals.push(arrival),
                Effect::SaveCallUp(call_up) => self.call_ups.push(call_up),
                Effect::SaveReport(report) => self.report = Some(report),
                Effect::EndLife(life) => self.lives.push(life),
                Effect::LogGroup(logged) => self.logged.push(logged),
                Effect::RetireLanes { .. } | Effect::CloseRelays { .. } => {
                    self.messages.push(effect);
                }
            }
        }
    }

    /// The record of a ticket as it will be stored: what is about to be written, else what `stored`
    /// finds.
    pub fn claim_or<E>(
        &self,
        index: u64,
        stored: impl FnOnce() -> Result<Option<Claim>, E>,
    ) -> Result<Option<Claim>, E> {
        match self.claims.get(&index) {
            Some(claim) => Ok(Some(claim.clone())),
            None if self.wipe => Ok(None),
            None => stored(),
        }
    }

    /// All of it, in the order in which it is written.
    pub fn into_effects(self) -> Vec<Effect> {
        let wipe = self.wipe.then_some(Effect::Wipe);
        let head = self.head.then_some(Effect::SaveHead);
        let stretches = self.stretches.into_iter();
        let stretches = stretches.map(|(from, stretch)| Effect::SaveStretch { from, stretch });
        wipe.into_iter()
            .chain(self.lives.into_iter().map(Effect::EndLife))
            .chain(self.claims.into_values().map(Effect::SaveClaim))
            .chain(stretches)
            .chain(self.lanes.into_values().map(Effect::SaveLane))
            .chain(self.logged.into_iter().map(Effect::LogGroup))
            .chain(self.arrivals.into_iter().map(Effect::SaveArrival))
            .chain(self.call_ups.into_iter().map(Effect::SaveCallUp))
            .chain(self.report.map(Effect::SaveReport))
            .chain(head)
            .chain(self.messages)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::ShopperId;
    use crate::queue::claim::ClaimState;

    fn claim(index: u64, state: ClaimState) -> Claim {
        Claim {
            index,
            position: index,
            shopper: ShopperId::from_bytes([1; 16]),
            state,
            claimed_at: 1,
            admitted_at: None,
            redeemed_at: None,
            ends_at: None,
            idempotency_key: None,
        }
    }

    #[test]
    fn each_row_is_written_once_as_the_last_event_leaves_it() {
        let mut writes = Writes::default();
        for state in [ClaimState::Present, ClaimState::Admitted] {
            writes.add(vec![Effect::SaveClaim(claim(3, state)), Effect::SaveHead]);
        }
        assert_eq!(
            writes.into_effects(),
            [
                Effect::SaveClaim(claim(3, ClaimState::Admitted)),
                Effect::SaveHead
            ]
        );
    }

    #[test]
    fn what_is_about_to_be_written_is_newer_than_what_is_stored() {
        let mut writes = Writes::default();
        let stored = || Ok::<_, ()>(Some(claim(3, ClaimState::Present)));
        assert_eq!(writes.claim_or(3, stored), stored());
        writes.add(vec![Effect::SaveClaim(claim(3, ClaimState::Left))]);
        assert_eq!(
            writes.claim_or(3, stored),
            Ok(Some(claim(3, ClaimState::Left)))
        );
    }

    #[test]
    fn a_wipe_takes_with_it_what_came_before() {
        let mut writes = Writes::default();
        writes.add(vec![
            Effect::SaveClaim(claim(3, ClaimState::Present)),
            Effect::SaveHead,
        ]);
        writes.add(vec![Effect::Wipe]);
        let stored = || Ok::<_, ()>(Some(claim(3, ClaimState::Present)));
        assert_eq!(writes.claim_or(3, stored), Ok(None));
        assert_eq!(writes.into_effects(), [Effect::Wipe]);
    }
}
