//! Orders that are paid after their session ran out, and winners' windows that an operator keeps
//! lengthening.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tidegate_core::problem::Code;
use tidegate_core::queue::draw::WINDOWS_MAX;
use tidegate_core::queue::hearing::HEARING_MILLIS;
use tidegate_core::queue::{Answer, Event};

use crate::world::{START, World, admission};

impl World {
    /// Claims and redeems, and lets the session run out.
    fn run_out(&mut self, index: u64) {
        assert!(self.is_granted(index));
        self.redeem(index);
        self.pass(40_000);
    }

    fn is_present(&mut self, index: u64) -> bool {
        matches!(self.claim(index), Ok(Answer::Boarding { .. }))
    }

    /// Everybody is called up, and had their time to hear of it.
    fn all_have_heard(&mut self) {
        while self.snapshot().boarding < self.snapshot().entered {
            self.pass(HEARING_MILLIS);
        }
        self.pass(HEARING_MILLIS);
    }

    /// What a late order is refused with, if it is.
    fn refusal(&mut self, index: u64) -> Option<Code> {
        self.complete(index).err().map(|problem| problem.code)
    }
}

fn shop(max_admissions: u64) -> Value {
    json!({"maxActive": 1, "maxAdmissions": max_admissions, "lanes": 1,
        "handoffSeconds": 40, "sessionSeconds": 40, "maxSessionSeconds": 40})
}

#[test]
fn a_late_order_takes_no_piece_that_somebody_present_is_next_for() {
    let mut world = World::with_entrants(shop(2), 4);
    world.run_out(0);
    // One piece is in a session, and the other is for the one who is present.
    assert!(world.is_granted(1));
    assert!(world.is_present(2));
    assert_eq!(world.snapshot().remaining, Some(1));
    assert_eq!(world.refusal(0), Some(Code::AdmissionExpired));
    world.leave(2);
    world.all_have_heard();
    assert_eq!(world.refusal(0), None, "nobody else was promised it");
    assert_eq!(world.refusal(0), None, "repeating it changes nothing");
    assert_eq!(world.snapshot().completed, 1);
}

#[test]
fn a_late_order_takes_no_piece_that_somebody_was_just_called_up_for() {
    let mut world = World::with_entrants(shop(2), 4);
    world.run_out(0);
    assert!(world.is_granted(1));
    world.all_have_heard();
    let called = world.snapshot().boarding;
    world.enter(2);
    world.must(Event::Release(admission(1)));
    assert!(world.snapshot().boarding > called, "{called}");
    assert_eq!(world.snapshot().present, 0);
    assert_eq!(world.refusal(0), Some(Code::AdmissionExpired));
    world.must(Event::Pause);
    world.pass(HEARING_MILLIS);
    assert_eq!(
        world.refusal(0),
        Some(Code::AdmissionExpired),
        "their time begins anew with the end of the pause"
    );
    world.must(Event::Resume);
    world.all_have_heard();
    assert_eq!(world.refusal(0), None, "none of them came in time");
}

#[test]
fn a_late_order_counts_where_there_is_no_stock_to_run_out() {
    let mut world =
        World::with_entrants(json!({"maxActive": 1, "lanes": 1, "sessionSeconds": 40}), 3);
    world.run_out(0);
    assert!(world.is_granted(1));
    assert!(world.is_present(2));
    assert_eq!(world.refusal(0), None);
}

#[test]
fn a_late_order_is_in_nobody_s_way_once_the_queue_is_over_for_good() {
    let mut config = shop(2);
    config["closesAt"] = (START + 60_000).into();
    let mut world = World::with_entrants(config, 3);
    world.run_out(0);
    assert!(world.is_granted(1));
    assert!(world.is_present(2));
    world.must(Event::Close);
    assert_eq!(
        world.refusal(0),
        Some(Code::AdmissionExpired),
        "it may be reopened"
    );
    world.pass(20_000);
    assert_eq!(world.refusal(0), None);
}

#[test]
fn however_often_a_draw_s_window_grows_there_are_never_many_and_none_shrinks() {
    let winners = 200;
    let config = json!({"access": "draw", "opensAt": START + 1_000, "closesAt": START + (1_u64 << 40),
        "maxAdmissions": winners, "claimWindowSeconds": 1_000, "lanes": 1});
    let mut world = World::with_entrants(config, 1_000);
    world.pass(1_000);
    let mut told = BTreeMap::new();
    for round in 1..=150_u64 {
        world.now += 1_000;
        let longer = 1_000 + 100 * round;
        world
            .patch(json!({"claimWindowSeconds": longer, "maxAdmissions": winners + round}))
            .unwrap();
        let snapshot = world.snapshot();
        let draw = snapshot.draw.unwrap();
        assert!(draw.awaited.len() <= WINDOWS_MAX, "{}", draw.awaited.len());
        for place in 0..snapshot.boarding {
            let claim_by = draw.claim_by(place).unwrap();
            let before = told.insert(place, claim_by);
            assert!(
                before.is_none_or(|before| before <= claim_by),
                "place {place}"
            );
        }
    }
    assert_eq!(told.len(), 350);
}
