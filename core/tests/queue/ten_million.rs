//! Ten million entrants: the opening is one write however many lanes there are, and what is kept of
//! them is small.

use serde_json::json;
use tidegate_core::fair::Root;
use tidegate_core::queue::{Effect, Event, Machine, handle};

use crate::world::{EPOCH, START, put};

const ENTRANTS: u64 = 10_000_000;
const GROUP: u32 = 10_000;

/// A queue that as many lanes have filled, just before it opens.
fn filled(lanes: u16) -> Option<Machine> {
    let mut queue = None;
    let config = json!({"maxActive": 50, "lanes": lanes, "opensAt": START + 1_000});
    let put = put("launch", config);
    handle(&mut queue, put, None, START).answer.unwrap();
    for group in 0..ENTRANTS / u64::from(GROUP) {
        let lease = Event::Lease {
            epoch: EPOCH,
            lane: u16::try_from(group % u64::from(lanes)).unwrap(),
            sequence: group / u64::from(lanes) + 1,
            count: GROUP,
            root: Root::from_bytes([u8::try_from(group % 256).unwrap(); 32]),
        };
        handle(&mut queue, lease, None, START).answer.unwrap();
    }
    queue
}

#[test]
fn the_opening_is_one_write_however_many_lanes() {
    for lanes in [1, 16, 256] {
        let mut queue = filled(lanes);
        let step = handle(&mut queue, Event::Wake, None, START + 1_000);
        // And the row that says when the first were called up.
        let [Effect::SaveCallUp(_), Effect::SaveHead] = step.effects[..] else {
            panic!("{lanes} lanes: {:?}", step.effects);
        };
        let machine = queue.unwrap();
        let shuffle = machine.snapshot(START + 1_000).shuffle;
        assert_eq!(shuffle.entrants, Some(ENTRANTS));
        for index in [0, 1, ENTRANTS / 2, ENTRANTS - 1] {
            assert!(shuffle.position(index).unwrap() < ENTRANTS);
        }
        let head = serde_json::to_string(machine.head()).unwrap();
        assert!(head.len() < 4_096, "{} bytes", head.len());
    }
}
