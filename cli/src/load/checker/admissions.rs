//! Invariants 3 and 4, and the part of 5 that is about admissions: who was let in when, as far as
//! answers tell.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap};

use super::{Invariant, Micros, Rules, ShopperNumber, Start, Violation};

/// A minute, less a second for how far the server's clock may run apart from this one meanwhile.
const SURELY_ONE_MINUTE: Micros = 59_000_000;

/// What is known of one shopper's claims.
#[derive(Clone, Debug)]
pub struct Claimant {
    pub index: u64,
    pub position: u64,
    /// When the first claim was sent: not present before.
    pub first_sent: Micros,
    /// When "you are present, and wait" was first answered: present since then at the latest.
    pub present_at: Option<Micros>,
    /// When the last claim that was answered so was sent: not admitted before.
    not_before: Micros,
    pub granted: Option<Granted>,
}

/// An admission that a shopper was told of.
#[derive(Clone, Debug)]
pub struct Granted {
    id: String,
    answered: Micros,
}

/// What is known of admissions.
#[derive(Default)]
pub struct Admissions {
    pub(super) rules: Rules,
    pub(super) start: Start,
    /// The youngest state that was seen: its version, and how many were active.
    active_at: (u64, u64),
    pub(super) claimants: HashMap<ShopperNumber, Claimant>,
    pub(super) by_id: HashMap<String, ShopperNumber>,
    /// Shoppers in the order in which their grants were answered.
    granted: Vec<ShopperNumber>,
    /// Admissions that are live for certain, and until when.
    held: HashMap<ShopperNumber, Micros>,
    deadlines: BTreeSet<(Micros, ShopperNumber)>,
    completed: u64,
    ordered: u64,
    repeated: u64,
}

impl Admissions {
    pub fn new(rules: Rules, start: Start) -> Self {
        Self {
            rules,
            active_at: (start.version, start.active),
            start,
            ..Self::default()
        }
    }

    /// A shopper with this index and position, both 0-based, sends a claim.
    pub fn claims(&mut self, shopper: ShopperNumber, index: u64, position: u64, sent: Micros) {
        self.claimants.entry(shopper).or_insert(Claimant {
            index,
            position,
            first_sent: sent,
            present_at: None,
            not_before: sent,
            granted: None,
        });
    }

    /// A claim that was sent at `sent` was answered at `answered` with "present, not admitted yet".
    ///
    /// If somebody behind came after this shopper was present, and had their admission before this
    /// claim was sent, then a slot went to the higher place while the lower one was present.
    pub fn waits(
        &mut self,
        shopper: ShopperNumber,
        sent: Micros,
        answered: Micros,
        found: &mut Vec<Violation>,
    ) {
        let Some(claimant) = self.claimants.get_mut(&shopper) else {
            return;
        };
        claimant.not_before = claimant.not_before.max(sent);
        if let Some(granted) = &claimant.granted {
            found.push(Violation::new(
                Invariant::OneEach,
                format!(
                    "shopper {shopper} was granted {} and then told to wait",
                    granted.id
                ),
            ));
            return;
        }
        let Some(present_at) = claimant.present_at else {
            claimant.present_at = Some(answered);
            return;
        };
        let position = claimant.position;
        self.ordered += 1;
        let recent = self.granted.iter().rev().filter_map(|other| {
            let claimant = self.claimants.get(other)?;
            Some((other, claimant, claimant.granted.as_ref()?.answered))
        });
        let jumped = recent
            .skip_while(|(_, _, at)| *at >= sent)
            .take_while(|(_, _, at)| *at > present_at)
            .find(|(_, other, _)| other.position > position && other.first_sent > present_at);
        if let Some((other, behind, _)) = jumped {
            found.push(Violation::new(
                Invariant::InOrder,
                format!(
                    "shopper {shopper} at {position} was present and still waits, while shopper \
                     {other} at {} came later and was admitted before (0-based)",
                    behind.position
                ),
            ));
        }
    }

    /// A claim was answered with an admission.
    pub fn granted(
        &mut self,
        shopper: ShopperNumber,
        id: &str,
        answered: Micros,
        found: &mut Vec<Violation>,
    ) {
        let Some(claimant) = self.claimants.get_mut(&shopper) else {
            return;
        };
        self.ordered += 1;
        if let Some(before) = &claimant.granted {
            self.repeated += 1;
            if before.id != id {
                found.push(Violation::new(
                    Invariant::OneEach,
                    format!("shopper {shopper} was granted {} and {id}", before.id),
                ));
            }
            return;
        }
        claimant.granted = Some(Granted {
            id: id.to_owned(),
            answered,
        });
        let deadline = claimant.not_before.saturating_add(self.rules.handoff);
        self.granted.push(shopper);
        if let Some(other) = self.by_id.insert(id.to_owned(), shopper) {
            found.push(Violation::new(
                Invariant::OneEach,
                format!("shoppers {other} and {shopper} were both granted {id}"),
            ));
        }
        self.hold(shopper, deadline);
        self.check_held(answered, found);
    }

    /// A redemption that was sent at `sent` went well: the admission lives on from then.
    pub fn redeemed(&mut self, shopper: ShopperNumber, sent: Micros) {
        if self.held.contains_key(&shopper) {
            self.hold(shopper, sent.saturating_add(self.rules.session));
        }
    }

    /// The same token was redeemed a second time, and the answer was this.
    pub fn redeemed_again(
        &mut self,
        shopper: ShopperNumber,
        status: u16,
        found: &mut Vec<Violation>,
    ) {
        self.repeated += 1;
        if (200..300).contains(&status) {
            found.push(Violation::new(
                Invariant::OneEach,
                format!("shopper {shopper}'s handoff token was redeemed twice: {status}, not 409"),
            ));
        }
    }

    /// What ends the admission is about to be sent.
    pub fn ends(&mut self, shopper: ShopperNumber) {
        if let Some(deadline) = self.held.remove(&shopper) {
            self.deadlines.remove(&(deadline, shopper));
        }
    }

    /// The completion was answered.
    pub fn completed(&mut self, now: Micros, found: &mut Vec<Violation>) {
        self.completed += 1;
        self.check_held(now, found);
    }

    /// The queue's public state of this version says that so many are active. More than the limit may
    /// be, but no more than were before: those hold what an earlier limit gave them.
    pub fn says_active(&mut self, version: u64, active: u64, found: &mut Vec<Violation>) {
        let (known, before) = self.active_at;
        if version <= known {
            return;
        }
        self.active_at = (version, active);
        let allowed = self.rules.max_active.map(|most| (most, most.max(before)));
        if let Some((most, _)) = allowed.filter(|(_, allowed)| active > *allowed) {
            found.push(Violation::new(
                Invariant::NeverOverAdmitted,
                format!("the snapshot says {active} active, of at most {most}"),
            ));
        }
    }

    fn hold(&mut self, shopper: ShopperNumber, deadline: Micros) {
        if let Some(before) = self.held.insert(shopper, deadline) {
            self.deadlines.remove(&(before, shopper));
        }
        self.deadlines.insert((deadline, shopper));
    }

    fn check_held(&mut self, now: Micros, found: &mut Vec<Violation>) {
        while let Some((deadline, shopper)) = self.deadlines.first().copied() {
            if deadline > now {
                break;
            }
            self.deadlines.pop_first();
            self.held.remove(&shopper);
        }
        let held = u64::try_from(self.held.len()).unwrap_or(u64::MAX);
        if let Some(most) = self.rules.max_active.filter(|most| held > *most) {
            found.push(Violation::new(
                Invariant::NeverOverAdmitted,
                format!("{held} admissions are held at once, of at most {most}"),
            ));
        }
        let all = held.saturating_add(self.completed);
        if let Some(most) = self.rules.max_admissions.filter(|most| all > *most) {
            found.push(Violation::new(
                Invariant::NeverOverAdmitted,
                format!("{all} admissions are held or completed, of at most {most} in all"),
            ));
        }
    }

    /// Checks the rate: admissions that surely fall within one minute are at most so many.
    pub fn finish(&self, found: &mut Vec<Violation>) {
        let Some(rate) = self.rules.rate_per_minute else {
            return;
        };
        let mut earliest = BinaryHeap::new();
        let mut most = 0;
        for shopper in &self.granted {
            let Some(claimant) = self.claimants.get(shopper) else {
                continue;
            };
            let Some(granted) = &claimant.granted else {
                continue;
            };
            earliest.push(Reverse(claimant.not_before));
            let since = granted.answered.saturating_sub(SURELY_ONE_MINUTE);
            while earliest.peek().is_some_and(|Reverse(first)| *first < since) {
                earliest.pop();
            }
            most = most.max(u64::try_from(earliest.len()).unwrap_or(u64::MAX));
        }
        if most > rate {
            found.push(Violation::new(
                Invariant::NeverOverAdmitted,
                format!("{most} were admitted within 60 s, of at most {rate}"),
            ));
        }
    }

    /// How many observations an invariant was held against here.
    pub fn observations(&self, invariant: Invariant) -> u64 {
        match invariant {
            Invariant::InOrder => self.ordered,
            Invariant::NeverOverAdmitted => u64::try_from(self.granted.len()).unwrap_or(u64::MAX),
            Invariant::OneEach => self.repeated,
            Invariant::UniqueAndDense | Invariant::RealTimeOrder => 0,
        }
    }
}
