//! Random lives of a draw beside a model that is written the plain way: each place by itself, with
//! its own clock.

mod looks;
mod model;
mod moves;

use proptest::prelude::*;
use tidegate_core::problem::Code;

use self::model::Draw;
use crate::world::lease;

#[derive(Clone, Debug)]
pub enum Op {
    Claim(u64),
    /// Everybody up to this place claims, the last first.
    Rush(u64),
    Leave(u64),
    Redeem(u64),
    Complete(u64),
    /// Claims and redeems, and pays when the session has run out.
    Late(u64),
    Release(u64),
    Seconds(u64),
    Pause,
    Resume,
    Close,
    Reopen,
    /// Who is called up from now on has a second more.
    Lengthen,
    Crash,
}

fn op() -> impl Strategy<Value = Op> {
    let place = prop_oneof![0..12_u64, 0..40_u64];
    prop_oneof![
        6 => place.clone().prop_map(Op::Claim),
        1 => place.clone().prop_map(Op::Rush),
        2 => place.clone().prop_map(Op::Leave),
        4 => place.clone().prop_map(Op::Redeem),
        3 => place.clone().prop_map(Op::Complete),
        2 => place.clone().prop_map(Op::Late),
        2 => place.prop_map(Op::Release),
        5 => (1..90_u64).prop_map(Op::Seconds),
        1 => Just(Op::Pause),
        1 => Just(Op::Resume),
        1 => Just(Op::Close),
        2 => Just(Op::Reopen),
        1 => Just(Op::Lengthen),
        1 => Just(Op::Crash),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_draw_is_what_its_rules_say(
        entrants in 1..40_u64,
        winners in 1..12_u64,
        leavers in prop::collection::btree_set(0..40_u64, 0..4),
        ops in prop::collection::vec(op(), 1..80),
    ) {
        let leavers: Vec<u64> = leavers.into_iter().filter(|index| *index < entrants).collect();
        let mut draw = Draw::new(entrants, winners, &leavers);
        draw.look();
        for op in &ops {
            draw.apply(op);
        }
    }
}

#[test]
fn entry_to_a_draw_closes_when_it_opens() {
    let mut draw = Draw::new(5, 2, &[]);
    let problem = draw.world.event(lease(2, 1)).unwrap_err();
    assert_eq!(problem.code, Code::QueueClosed);
    assert!(
        draw.world.event(lease(1, 5)).is_ok(),
        "a lease that is repeated"
    );
}
