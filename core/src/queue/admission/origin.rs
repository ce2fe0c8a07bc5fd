//! What the merchant's origin asks of the queue: to redeem an admission once, and then to complete,
//! release or extend it.

use crate::UnixMillis;
use crate::ids::AdmissionId;
use crate::queue::event::Answer;
use crate::queue::machine::Machine;
use crate::queue::refusal::Refusal;
use crate::queue::state::claim::{Claim, ClaimState};

impl Machine {
    /// Exchanges a handoff token, once; again for the same idempotency key.
    pub(in crate::queue) fn redeem(
        &mut self,
        admission: AdmissionId,
        idempotency_key: Option<String>,
        record: Option<&Claim>,
        now: UnixMillis,
    ) -> Result<Answer, Refusal> {
        let claim = self.admission(admission, record)?;
        match claim.state {
            ClaimState::Admitted => {
                let ends_at = self.session_end(now, now);
                let redeemed = Claim {
                    redeemed_at: Some(now),
                    idempotency_key,
                    ..claim
                };
                Ok(self.update(redeemed, ClaimState::Redeemed, ends_at))
            }
            ClaimState::Redeemed | ClaimState::Completed => {
                let same =
                    claim.idempotency_key.is_some() && claim.idempotency_key == idempotency_key;
                if same {
                    Ok(self.answer(&claim))
                } else {
                    Err(Refusal::AlreadyRedeemed)
                }
            }
            _ => Err(Refusal::AdmissionOver(claim.state)),
        }
    }

    /// The order is paid. It counts even when the session has run out, while there is stock that
    /// nobody else was promised.
    pub(in crate::queue) fn complete(
        &mut self,
        admission: AdmissionId,
        record: Option<&Claim>,
        now: UnixMillis,
    ) -> Result<Answer, Refusal> {
        let claim = self.admission(admission, record)?;
        match claim.state {
            ClaimState::Completed => return Ok(self.answer(&claim)),
            ClaimState::Redeemed => self.end(admission.index, ClaimState::Completed, now),
            ClaimState::Expired | ClaimState::Left if claim.redeemed_at.is_some() => {
                self.check_stock_for_late(now)?;
                self.save(Claim {
                    state: ClaimState::Completed,
                    ends_at: Some(now),
                    ..claim
                });
            }
            ClaimState::Admitted => return Err(Refusal::NotRedeemed),
            _ => return Err(Refusal::AdmissionOver(claim.state)),
        }
        self.head.completed = self.head.completed.saturating_add(1);
        self.admission(admission, None)
            .map(|claim| self.answer(&claim))
    }

    /// Refuses a late completion whose piece somebody else holds, or was told that they may come
    /// for.
    fn check_stock_for_late(&self, now: UnixMillis) -> Result<(), Refusal> {
        match self.remaining() {
            Some(0) => Err(Refusal::LastPieceSold),
            // When the queue is over, nobody comes any more.
            Some(_) if self.head.end(now).is_none() && self.unpromised() == 0 => {
                Err(Refusal::LastPiecePromised)
            }
            _ => Ok(()),
        }
    }

    /// Gives the slot back.
    pub(in crate::queue) fn release(
        &mut self,
        admission: AdmissionId,
        record: Option<&Claim>,
        now: UnixMillis,
    ) -> Result<Answer, Refusal> {
        let claim = self.admission(admission, record)?;
        match claim.state {
            ClaimState::Admitted | ClaimState::Redeemed => {
                self.end(admission.index, ClaimState::Released, now);
                self.admission(admission, None)
                    .map(|claim| self.answer(&claim))
            }
            ClaimState::Completed => Err(Refusal::Completed),
            // The slot is free already, which is all that was wanted.
            _ => Ok(self.answer(&claim)),
        }
    }

    /// Gives a redeemed admission a whole session more, within `maxSessionSeconds` of its
    /// redemption.
    pub(in crate::queue) fn extend(
        &mut self,
        admission: AdmissionId,
        record: Option<&Claim>,
        now: UnixMillis,
    ) -> Result<Answer, Refusal> {
        let claim = self.admission(admission, record)?;
        match claim.state {
            ClaimState::Redeemed => {
                let longer = self.session_end(now, claim.redeemed_at.unwrap_or(now));
                let ends_at = longer.max(claim.ends_at.unwrap_or(0));
                if claim.ends_at == Some(ends_at) {
                    return Ok(self.answer(&claim));
                }
                Ok(self.update(claim, ClaimState::Redeemed, ends_at))
            }
            ClaimState::Admitted => Err(Refusal::NotRedeemed),
            ClaimState::Completed => Ok(self.answer(&claim)),
            _ => Err(Refusal::AdmissionOver(claim.state)),
        }
    }

    /// An admission's record; one who only waits has none.
    fn admission(&self, id: AdmissionId, stored: Option<&Claim>) -> Result<Claim, Refusal> {
        self.check_epoch(id.epoch)
            .map_err(|_| Refusal::AdmissionReset)?;
        self.record(id.index, stored)
            .filter(|claim| claim.admitted_at.is_some())
            .cloned()
            .ok_or(Refusal::NoAdmission(id))
    }

    fn session_end(&self, now: UnixMillis, redeemed_at: UnixMillis) -> UnixMillis {
        let config = &self.head.config;
        let session = now.saturating_add(u64::from(config.session_seconds).saturating_mul(1000));
        let most = u64::from(config.max_session_seconds).saturating_mul(1000);
        session.min(redeemed_at.saturating_add(most))
    }

    /// Writes an active claim with another state and end.
    fn update(&mut self, claim: Claim, state: ClaimState, ends_at: UnixMillis) -> Answer {
        self.deadlines
            .remove(&(claim.ends_at.unwrap_or(0), claim.index));
        self.deadlines.insert((ends_at, claim.index));
        let claim = Claim {
            state,
            ends_at: Some(ends_at),
            ..claim
        };
        self.active.insert(claim.index, claim.clone());
        self.save(claim.clone());
        self.answer(&claim)
    }

    fn answer(&self, claim: &Claim) -> Answer {
        Answer::Admission(Box::new(claim.report(&self.head.id, self.head.epoch)))
    }
}
