//! Who left: what is remembered of them is bounded, outlives the object's memory, and is computed
//! once.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use tidegate_core::queue::gone::STRETCHES_MAX;
use tidegate_core::queue::machine::Stored;
use tidegate_core::queue::placing::PIECE_PLACES;
use tidegate_core::queue::shoppers::LEFT_EARLY_MAX;
use tidegate_core::queue::{Effect, Event, Head, Machine, handle};
use tidegate_core::view::status::{Standing, Status};

use crate::world::{START, World, holder, ticket};

/// A queue beside the rows that its stretches take.
struct Queue {
    world: World,
    /// Stretches that were written and not removed since.
    rows: BTreeMap<u64, u64>,
}

impl Queue {
    fn with(config: Value) -> Self {
        Self {
            world: World::with(config),
            rows: BTreeMap::new(),
        }
    }

    fn event(&mut self, event: Event) {
        let (answer, effects) = self.world.step(event);
        answer.unwrap();
        for effect in effects {
            if let Effect::SaveStretch { from, stretch } = effect {
                match stretch {
                    Some(stretch) => self.rows.insert(from, stretch.gone),
                    None => self.rows.remove(&from),
                };
            }
        }
    }

    fn leave(&mut self, index: u64, position: Option<u64>) {
        self.event(Event::Leave(holder(index, position)));
    }

    fn head(&mut self) -> Head {
        self.world.head().clone()
    }

    /// All whose places are to be computed have theirs; the object may crash after each piece.
    /// Returns how many places were computed at each time.
    fn place_all(&mut self, crashes: bool) -> Vec<u64> {
        let mut pieces = Vec::new();
        loop {
            let before = self.head().left_unplaced;
            self.event(Event::Wake);
            pieces.push(before - self.head().left_unplaced);
            if self.head().placing.is_none() {
                return pieces;
            }
            if crashes {
                self.world.queue.crash();
            }
            self.world.now = self.world.machine().next_timeout().unwrap();
        }
    }
}

fn opening_late() -> Value {
    json!({"maxActive": 1, "opensAt": START + 60_000})
}

#[test]
fn entering_and_leaving_for_ever_leaves_one_row_behind() {
    let mut queue = Queue::with(json!({"maxActive": 1}));
    queue.world.enter(8);
    for index in 8..3_000 {
        queue.world.enter(1);
        queue.leave(index, Some(index));
    }
    assert_eq!(queue.rows.len(), 1);
    // Those who are called up need no row.
    for index in 0..8 {
        queue.leave(index, Some(index));
    }
    queue.event(Event::Wake);
    assert_eq!(queue.head().boarding, 3_000);
    assert_eq!(queue.rows.len(), 0);
}

/// Of more than there is room for, memory and storage keep the same ones, in whatever order they
/// left.
#[test]
fn who_left_before_the_opening_is_the_same_after_a_restart() {
    let many = u64::try_from(LEFT_EARLY_MAX).unwrap() + 50;
    let sealed = |crashes: bool| {
        let mut queue = Queue::with(opening_late());
        for _ in 0..2 {
            queue.world.enter(10_000);
        }
        for index in (0..many).rev() {
            queue.leave(index, None);
        }
        if crashes {
            queue.world.queue.crash();
        }
        queue.world.now += 60_000;
        queue.place_all(crashes);
        (
            queue.head().left_unplaced,
            queue.head().boarding,
            queue.rows,
        )
    };
    let (unplaced, boarding, mut rows) = sealed(false);
    let (again, further, mut rows_again) = sealed(true);
    assert_eq!((unplaced, again), (50, 50));
    // How far is called up meanwhile is another matter: what that has not come to is the same.
    assert!(boarding.max(further) < 1_000, "{boarding}, {further}");
    assert!(rows.split_off(&1_000) == rows_again.split_off(&1_000));
}

#[test]
fn the_places_of_those_who_left_are_computed_when_the_queue_is_sealed_and_never_again() {
    let mut queue = Queue::with(opening_late());
    queue.world.enter(1_000);
    for index in 0..300 {
        queue.leave(index, None);
    }
    assert!(queue.head().needs_left_early());
    assert_eq!(queue.rows.len(), 0);
    queue.world.now += 60_000;
    queue.place_all(false);
    assert!(!queue.head().needs_left_early());
    // Those at the very front are called up already.
    let stored: u64 = queue.rows.values().sum();
    assert!((290..=300).contains(&stored), "{stored}");
    assert_eq!(queue.head().left_unplaced, 0);
}

#[test]
fn the_places_of_those_who_left_are_computed_a_few_at_a_time() {
    let many = u64::try_from(LEFT_EARLY_MAX).unwrap();
    let mut queue = Queue::with(opening_late());
    for _ in 0..2 {
        queue.world.enter(10_000);
    }
    for index in 0..many {
        queue.leave(index, None);
    }
    queue.world.now += 60_000;
    let opened = queue.world.now;
    let pieces = queue.place_all(false);
    assert_eq!(pieces.iter().sum::<u64>(), many);
    let most = u64::try_from(PIECE_PLACES).unwrap();
    assert!(pieces.iter().all(|piece| *piece <= most), "{pieces:?}");
    let took = queue.world.now - opened;
    assert!(took <= 3_000, "{took} ms");
}

/// Winners who had left hold no place, each counted once, wherever the object dies meanwhile.
#[test]
fn a_draw_calls_up_as_many_as_win_while_it_places_who_left() {
    for crashes in [false, true] {
        let config = json!({"access": "draw", "maxAdmissions": 300, "opensAt": START + 60_000,
            "closesAt": START + 600_000});
        let mut queue = Queue::with(config);
        queue.world.enter(2_000);
        for index in 0..1_000 {
            queue.leave(index, None);
        }
        queue.world.now += 60_000;
        let pieces = queue.place_all(crashes);
        assert!(pieces.len() > 3, "{pieces:?}");
        let (head, snapshot) = (queue.head(), queue.world.snapshot());
        let standing = (1_000..2_000).filter(|index| {
            let position = snapshot.shuffle.position(*index);
            position.is_some_and(|position| position < head.boarding)
        });
        assert_eq!(standing.count(), 300);
        let awaited = head.windows.iter().map(|window| window.outstanding);
        assert_eq!(awaited.sum::<u64>(), 300);
    }
}

#[test]
fn a_queue_of_before_there_were_stretches_keeps_what_it_knew() {
    let mut queue = Queue::with(json!({"maxActive": 1}));
    queue.world.enter(10);
    let mut row = serde_json::to_value(queue.head()).unwrap();
    for field in ["keepsGone", "leftUnplaced"] {
        row.as_object_mut().unwrap().remove(field).unwrap();
    }
    let head: Head = serde_json::from_value(row).unwrap();
    assert!(head.boarding < 5, "{}", head.boarding);
    let stored = Stored {
        left: (5..9).collect(),
        ..Stored::default()
    };
    let mut machine = Some(Machine::restore(head, stored));
    let step = handle(&mut machine, Event::Wake, None, START);
    let stretches = step.effects.iter().filter_map(|effect| match effect {
        Effect::SaveStretch { from, stretch } => Some((*from, stretch.map(|it| it.until))),
        _ => None,
    });
    assert_eq!(stretches.collect::<Vec<_>>(), [(5, Some(9))]);
    assert!(step.effects.contains(&Effect::SaveHead));
    assert!(machine.unwrap().head().keeps_gone);
}

/// Reads the line as everybody may, and holds it against who is really in it.
fn check_ahead(queue: &mut Queue, stands: &[bool]) -> Result<(), TestCaseError> {
    let snapshot = queue.world.snapshot();
    let boarding = usize::try_from(snapshot.boarding).unwrap();
    let mut real = snapshot.present;
    for (position, stands_here) in stands.iter().enumerate().skip(boarding) {
        let ticket = ticket(0, u64::try_from(position).unwrap());
        let status = Status::of(Some(&ticket), &snapshot, false, 0);
        let Standing::Queued { ahead, .. } = status.standing else {
            panic!("{status:?}");
        };
        let off = ahead.abs_diff(real);
        prop_assert!(
            off * 20 <= real.max(20),
            "{ahead} told, {real} there, at {position}"
        );
        real += u64::from(*stands_here);
    }
    prop_assert!(snapshot.waiting + snapshot.present >= real, "{snapshot:?}");
    Ok(())
}

fn line(left: impl IntoIterator<Item = (u64, u64)>, entered: u32) -> (Queue, Vec<bool>) {
    let mut queue = Queue::with(json!({"maxActive": 1}));
    let mut rest = entered;
    while rest > 0 {
        queue.world.enter(rest.min(10_000));
        rest -= rest.min(10_000);
    }
    let mut stands = vec![true; usize::try_from(entered).unwrap()];
    for (from, until) in left {
        for position in from..until.min(entered.into()) {
            queue.leave(position, Some(position));
            stands[usize::try_from(position).unwrap()] = false;
        }
    }
    (queue, stands)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn people_ahead_are_those_who_are_there(
        left in vec((3_u64..6_000, 1_u64..400), 0..60),
        claims in 0_u64..4,
    ) {
        let ranges = left.iter().map(|(from, length)| (*from, from + length));
        let (mut queue, stands) = line(ranges, 6_000);
        for index in 0..claims {
            let _ = queue.world.claim(index);
        }
        check_ahead(&mut queue, &stands)?;
        queue.world.queue.crash();
        check_ahead(&mut queue, &stands)?;
    }
}

#[test]
fn everybody_from_100_to_5000_is_not_ahead_of_those_behind() {
    let (mut queue, stands) = line([(100, 5_000)], 6_000);
    check_ahead(&mut queue, &stands).unwrap();
    let every_second = (100..5_000).step_by(2).map(|place| (place, place + 1));
    let (mut queue, stands) = line(every_second, 6_000);
    check_ahead(&mut queue, &stands).unwrap();
}

/// Beyond what is kept one by one, too.
#[test]
fn more_stretches_than_are_kept_are_counted_all_the_same() {
    let every_second = (10..30_000).step_by(2).map(|place| (place, place + 1));
    let (mut queue, stands) = line(every_second, 31_000);
    assert!(queue.rows.len() <= STRETCHES_MAX);
    check_ahead(&mut queue, &stands).unwrap();
}

/// Their places are not computed, so each is told of as many as there are on average.
#[test]
fn whose_places_nobody_computed_are_reckoned_with_all_the_same() {
    let mut queue = Queue::with(opening_late());
    for _ in 0..3 {
        queue.world.enter(10_000);
    }
    for index in 0..15_000 {
        queue.leave(index, None);
    }
    queue.world.now += 60_000;
    for _ in 0..20 {
        queue.event(Event::Wake);
        let snapshot = queue.world.snapshot();
        let gone = snapshot.left.between(snapshot.boarding, 30_000);
        assert!((14_250..=15_750).contains(&gone), "{gone}, being placed");
        queue.world.now = queue.world.machine().next_timeout().unwrap();
    }
    queue.place_all(false);
    for _ in 0..2 {
        let snapshot = queue.world.snapshot();
        let gone = snapshot.left.between(snapshot.boarding, 30_000);
        assert!((14_800..=15_000).contains(&gone), "{gone}");
        queue.world.queue.crash();
    }
}
