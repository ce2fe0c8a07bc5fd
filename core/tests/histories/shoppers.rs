//! What shoppers and the origin do in a world, and what must come of each.

use tidegate_core::ids::{AdmissionId, Epoch, ShopperId};
use tidegate_core::queue::event::Holder;
use tidegate_core::queue::{Answer, Event};
use tidegate_judge::event::Told;
use tidegate_sim::queue_object::Crash;

use crate::world::{EPOCH, World, entry};

impl World {
    pub fn holder(&mut self, shopper: ShopperId) -> Option<Holder> {
        let index = *self.tickets.get(&shopper)?;
        Some(Holder {
            epoch: EPOCH,
            index,
            position: self.shuffle().position(index),
            shopper,
        })
    }

    pub fn claim(&mut self, shopper: ShopperId) {
        let Some(holder) = self.holder(shopper) else {
            return;
        };
        let index = holder.index;
        match self.event(Event::Claim(holder.clone()), Crash::None) {
            Some(Ok(Answer::Granted(grant))) => {
                let told = Told::Admitted {
                    admission: grant.admission_id,
                    holder: entry(grant.shopper),
                };
                self.told(shopper, index, told);
                // A retry gets the same one.
                let again = self.event(Event::Claim(holder), Crash::None);
                assert_eq!(again, Some(Ok(Answer::Granted(grant))));
            }
            Some(Ok(Answer::Boarding { .. })) => {
                self.told(shopper, index, Told::Waits);
            }
            Some(Err(_)) => {}
            other => panic!("{other:?}"),
        }
    }

    pub fn redeem(&mut self, shopper: ShopperId, key: u8) {
        let Some(index) = self.tickets.get(&shopper).copied() else {
            return;
        };
        let admission = AdmissionId {
            epoch: EPOCH,
            index,
        };
        // Key 0 is none at all.
        let idempotency_key = (key > 0).then(|| format!("key-{key}"));
        let redeem = Event::Redeem {
            admission,
            idempotency_key,
        };
        if let Some(Ok(answer)) = self.event(redeem, Crash::None) {
            let Answer::Admission(report) = answer else {
                panic!("{answer:?}")
            };
            self.told(shopper, index, Told::Redeemed { key: key.into() });
            self.told(shopper, index, Told::State(report.state));
        }
    }

    pub fn settle(&mut self, shopper: ShopperId, event: impl Fn(AdmissionId) -> Event) {
        let Some(index) = self.tickets.get(&shopper).copied() else {
            return;
        };
        let admission = AdmissionId {
            epoch: EPOCH,
            index,
        };
        let first = self.event(event(admission), Crash::None);
        if let Some(Ok(Answer::Admission(report))) = first {
            let state = report.state;
            let again = self.event(event(admission), Crash::None);
            let Some(Ok(Answer::Admission(report))) = again else {
                panic!("{again:?}")
            };
            assert_eq!(report.state, state, "repeating it changed it");
        }
    }

    /// Tickets and tokens of another epoch, or for places that were never given, change nothing;
    /// nor does a ticket that claims another's place.
    pub fn forge(&mut self, shopper: ShopperId) {
        let entered = self.queue.machine().unwrap().head().entered;
        let genuine = Holder {
            epoch: EPOCH,
            index: 0,
            position: Some(0),
            shopper,
        };
        let foreign = Holder {
            epoch: Epoch::from_bytes([1; 16]),
            ..genuine.clone()
        };
        let invented = Holder {
            index: entered,
            position: Some(0),
            ..genuine
        };
        self.event(Event::Wake, Crash::None);
        for holder in [foreign, invented] {
            let admission = AdmissionId {
                epoch: holder.epoch,
                index: holder.index,
            };
            self.changes_nothing(&Event::Claim(holder.clone()));
            self.changes_nothing(&Event::Leave(holder));
            for event in [Event::Complete, Event::Release, Event::Extend] {
                self.changes_nothing(&event(admission));
            }
            self.changes_nothing(&Event::Redeem {
                admission,
                idempotency_key: None,
            });
        }
        let Some(holder) = self.holder(shopper) else {
            return;
        };
        let genuine = holder.position;
        for position in [0, holder.index + 1, entered - 1] {
            if genuine == Some(position) {
                continue;
            }
            let holder = Holder {
                position: Some(position),
                ..holder.clone()
            };
            self.changes_nothing(&Event::Claim(holder.clone()));
            self.changes_nothing(&Event::Leave(holder));
        }
    }

    fn changes_nothing(&mut self, event: &Event) {
        let before = self.queue.claims().clone();
        let handled = self.queue.event(event.clone(), self.now, Crash::None);
        let answer = handled.answer;
        assert!(matches!(answer, Some(Err(_))), "{event:?}: {answer:?}");
        assert_eq!((handled.effects.len(), self.queue.claims()), (0, &before));
    }
}
