//! Histories for tests, told in short lines.

use tidegate_core::fair::Commitment;
use tidegate_core::ids::{AdmissionId, Epoch, ShopperId};
use tidegate_core::queue::{Claim, ClaimState};
use tidegate_core::view::snapshot::{Phase, Shuffle};

use crate::history::{Admission, Audit, Call, History, Micros, Queue, Said, Snapshot, Verb};
use crate::judge;
use crate::ledger::Ledger;
use crate::limits::Limits;
use crate::verdict::Promise;

/// The beginning of every story; times are counted from it, in milliseconds.
pub const T: u64 = 1_795_000_000_000;

pub struct Story {
    pub history: History,
}

/// A good story that `tamper` changes shows a violation of this promise, with this in its evidence.
#[track_caller]
pub fn expect(promise: Promise, evidence: &str, tamper: impl FnOnce(&mut Story)) {
    let mut story = Story::good();
    tamper(&mut story);
    let found = judge(&story.history).violations;
    let is_it = found
        .iter()
        .any(|one| one.promise == promise && one.evidence.contains(evidence));
    assert!(is_it, "{evidence} is not among {found:#?}");
}

/// What was written by a queue that leased so many indices.
pub fn ledger(leased: u64) -> Ledger {
    let mut ledger = Ledger::default();
    (ledger.leased, ledger.is_kept) = (leased, true);
    ledger
}

/// A record of an index at the position of the same number.
pub fn claim(index: u64, state: ClaimState, admitted_at: Option<u64>) -> Claim {
    Claim {
        index,
        position: index,
        shopper: ShopperId::from_bytes([1; 16]),
        state,
        claimed_at: 1,
        admitted_at,
        redeemed_at: admitted_at.filter(|_| state != ClaimState::Admitted),
        ends_at: None,
        idempotency_key: None,
    }
}

impl Story {
    /// Calls, with `;` between them, of a queue of two slots whose admissions last 120 and 600 s.
    pub fn of(calls: &str) -> Self {
        let limits = Limits {
            max_active: Some(2),
            handoff_seconds: Some(120),
            session_seconds: Some(600),
            ..Limits::default()
        };
        let queue = Queue {
            limits,
            alone: true,
        };
        let mut story = Self {
            history: History {
                queue,
                ..History::default()
            },
        };
        for call in calls.split(';').filter(|call| !call.trim().is_empty()) {
            story.call(call);
        }
        story
    }

    /// Two slots. a and b have them, c and d wait; b buys and c is next; a gives up and d is next.
    /// e leaves the line and enters anew, as f.
    pub fn good() -> Self {
        let mut story = Self::of(
            "enter a 0 -;
            enter a 20 200 index=0 position=0 shown=1;
            enter b 40 200 index=1 position=1 shown=2;
            enter c 60 200 index=2 position=2 shown=3;
            enter d 80 200 index=3 position=3 shown=4;
            enter e 100 200 index=4 position=4 shown=5;
            leave e 120 204;
            enter f 140 200 index=5 position=5 shown=6;
            claim a 1000 200 admission=0 expires=121000;
            claim b 1020 200 admission=1 expires=121020;
            claim d 1040 202 serverTime=1045;
            claim c 1060 202 serverTime=1065;
            redeem b 1080 200 key=1 admission=1 expires=601000;
            redeem b 1090 409 key=2;
            complete b 3000 200 admission=1 state=completed expires=3005;
            claim c 3020 200 admission=2 expires=123000;
            leave a 4000 204;
            claim d 4020 200 admission=3 expires=124000;
            claim b 5000 410;
            enter f 5020 200 index=5 position=5",
        );
        let limits = &mut story.history.queue.limits;
        (limits.max_admissions, limits.rate) = (Some(3), Some(4));
        story.audit(2_000, "0 admitted 1005 121000; 1 redeemed 1025 601000 1085");
        story.audit(
            6_000,
            "0 left 1005 4005; 1 completed 1025 3005 1085; 2 admitted 3005 123000; \
         3 admitted 4005 124000",
        );
        for (number, (boarding, admitted, active, completed)) in
            [(4, 2, 2, 0), (5, 4, 2, 1)].into_iter().enumerate()
        {
            let audit = &mut story.history.audits[number];
            for snapshot in [&mut audit.before, audit.after.as_mut().unwrap()] {
                (snapshot.entered, snapshot.boarding) = (6, boarding);
                (snapshot.admitted, snapshot.active, snapshot.completed) =
                    (admitted, active, completed);
                snapshot.version = number as u64 + 1;
            }
        }
        story
    }

    /// Adds a call, answered 10 ms after it was sent: verb, entry, time, status or `-`, and what
    /// was said.
    pub fn call(&mut self, text: &str) {
        let mut words = text.split_whitespace();
        let mut word = || words.next().unwrap();
        let verb: Verb = serde_json::from_value(word().into()).unwrap();
        let (entry, at, status): (_, u64, _) = (word().to_owned(), word().parse().unwrap(), word());
        let status: Option<u16> = status.parse().ok();
        let sent = (T + at) * 1_000;
        let mut call = Call {
            verb,
            entry,
            sent: Micros(sent),
            answered: status.map(|_| Micros(sent + 10_000)),
            status,
            ..Call::default()
        };
        for word in words {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            let number = || value.parse::<u64>().unwrap();
            let said = &mut call.said;
            match name {
                "index" => said.index = Some(number()),
                "position" => said.position = Some(number()),
                "shown" => said.shown = Some(number()),
                "admission" => said.admission_id = Some(Self::id(number())),
                "expires" => said.expires_at = Some(T + number()),
                "serverTime" => said.server_time = Some(T + number()),
                "state" => said.state = ClaimState::from_name(value),
                "stale" => said.stale = Some(true),
                "key" => call.key = Some(value.to_owned()),
                other => panic!("{other}"),
            }
        }
        self.history.calls.push(call);
    }

    /// Adds an audit: index, state, from when to when, and when it was redeemed, of each admission.
    pub fn audit(&mut self, at: u64, admissions: &str) {
        let admissions = admissions
            .split(';')
            .filter(|one| !one.trim().is_empty())
            .map(|one| {
                let words: Vec<&str> = one.split_whitespace().collect();
                let time = |at: usize| words.get(at).map(|text| T + text.parse::<u64>().unwrap());
                Admission {
                    admission_id: Self::id(words[0].parse().unwrap()),
                    position: None,
                    state: ClaimState::from_name(words[1]).unwrap(),
                    admitted_at: time(2),
                    redeemed_at: time(4),
                    expires_at: time(3),
                }
            });
        let admissions: Vec<Admission> = admissions.collect();
        let completed = admissions
            .iter()
            .filter(|one| one.state == ClaimState::Completed)
            .count() as u64;
        let snapshot = Snapshot {
            phase: Some(Phase::Open),
            entered: self
                .history
                .calls
                .iter()
                .filter_map(|call| call.said.index)
                .max()
                .map_or(0, |most| most + 1),
            admitted: admissions.len() as u64,
            completed,
            server_time: T + at,
            shuffle: Shuffle {
                commitment: Some(Commitment::from_bytes([1; 32])),
                entrants: Some(0),
                ..Shuffle::default()
            },
            ..Snapshot::default()
        };
        let after = Some(Snapshot {
            server_time: T + at + 10,
            ..snapshot.clone()
        });
        let sent = Micros((T + at) * 1_000);
        self.history.audits.push(Audit {
            sent,
            before: snapshot,
            admissions: Some(admissions),
            after,
        });
    }

    pub fn id(index: u64) -> AdmissionId {
        AdmissionId {
            epoch: Epoch::from_bytes([1; 16]),
            index,
        }
    }

    fn first(&mut self, verb: &str, entry: &str) -> &mut Call {
        let verb: Verb = serde_json::from_value(verb.into()).unwrap();
        let is_it =
            |call: &&mut Call| call.verb == verb && call.entry == entry && call.status == Some(200);
        self.history.calls.iter_mut().find(is_it).unwrap()
    }

    /// What the first such call that was answered 200 was told.
    pub fn said(&mut self, verb: &str, entry: &str) -> &mut Said {
        &mut self.first(verb, entry).said
    }

    /// The same call was sent at that time, and answered in time.
    pub fn resent(&mut self, verb: &str, entry: &str, at: u64) {
        let call = self.first(verb, entry);
        (call.sent, call.answered) = (
            Micros((T + at) * 1_000),
            Some(Micros((T + at + 10) * 1_000)),
        );
    }

    /// The same call was answered at that time.
    pub fn answered(&mut self, verb: &str, entry: &str, at: u64) {
        self.first(verb, entry).answered = Some(Micros((T + at) * 1_000));
    }

    /// An entry's ticket is for this index and the position of the same number.
    pub fn place(&mut self, entry: &str, position: u64) {
        let said = self.said("enter", entry);
        (said.position, said.shown) = (Some(position), Some(position + 1));
    }

    /// The admissions of an audit.
    pub fn account(&mut self, audit: usize) -> &mut Vec<Admission> {
        self.history.audits[audit].admissions.as_mut().unwrap()
    }

    /// Changes every snapshot.
    pub fn snapshots(&mut self, change: impl Fn(&mut Snapshot)) {
        for audit in &mut self.history.audits {
            change(&mut audit.before);
            audit.after.as_mut().into_iter().for_each(&change);
        }
    }

    /// The promises that are broken, each once.
    pub fn found(&self) -> Vec<Promise> {
        let found = judge(&self.history).violations;
        let mut promises: Vec<Promise> = found.iter().map(|violation| violation.promise).collect();
        promises.dedup();
        promises
    }

    #[track_caller]
    pub fn is_good(&self) {
        assert_eq!(judge(&self.history).violations, []);
    }
}
