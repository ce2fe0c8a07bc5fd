//! What a lane promises of its entries.

use super::*;
use crate::ids::Epoch;

fn shopper(number: u8) -> ShopperId {
    ShopperId::from_bytes([number; 16])
}

/// Shoppers of whom nothing is stored arrive and are looked up.
fn arrive(lane: &mut Lane, numbers: &[u8]) {
    for number in numbers {
        lane.arrive(shopper(*number), Called::default()).unwrap();
    }
    let arrivals = lane.arrivals();
    assert_eq!(lane.looked_up(arrivals, |_| None), []);
}

const NOW: UnixMillis = 5;

fn name() -> LaneName {
    LaneName {
        queue: "demo".parse().unwrap(),
        epoch: Epoch::from_bytes([1; 16]),
        number: 2,
    }
}

fn next(lane: &mut Lane) -> Option<Work> {
    lane.next_work(&name(), NOW)
}

fn lease(group: &Group) -> Work {
    Work::Lease {
        sequence: group.sequence,
        count: u32::try_from(group.members.len()).unwrap(),
        root: group.root,
    }
}

fn group(sequence: u64, members: &[u8]) -> Group {
    let members: Vec<_> = members.iter().copied().map(shopper).collect();
    Group {
        sequence,
        root: group_root(name().epoch, name().number, sequence, NOW, &members),
        members,
        at: NOW,
    }
}

#[test]
fn a_group_is_written_before_it_is_leased() {
    let mut lane = Lane::default();
    arrive(&mut lane, &[1, 1, 2]);
    let retried_once = group(1, &[1, 2]);
    assert_eq!(next(&mut lane), Some(Work::Write(retried_once)));
    let lease = lease(&group(1, &[1, 2]));
    assert_eq!(next(&mut lane), Some(lease));
    assert_eq!(
        lane.leased(7, 2, Called::default()),
        [
            (shopper(1), Ok(Heard::Index(7))),
            (shopper(2), Ok(Heard::Index(8)))
        ]
    );
    assert_eq!(next(&mut lane), None);
}

#[test]
fn whoever_is_under_way_is_not_looked_up_again() {
    let mut lane = Lane::default();
    arrive(&mut lane, &[1]);
    next(&mut lane);
    lane.arrive(shopper(1), Called::default()).unwrap();
    assert_eq!(lane.arrivals(), [], "they hear with their group");
}

#[test]
fn a_restored_pending_group_is_leased_under_its_own_number() {
    let mut lane = Lane::restore(9, Some(group(9, &[3])));
    arrive(&mut lane, &[4, 3]);
    let lease = lease(&group(9, &[3]));
    assert_eq!(next(&mut lane), Some(lease));
    lane.leased(0, 1, Called::default());
    assert_eq!(next(&mut lane), Some(Work::Write(group(10, &[4]))));
}

#[test]
fn a_refused_group_s_number_is_never_used_again() {
    let mut lane = Lane::default();
    arrive(&mut lane, &[1]);
    next(&mut lane);
    lane.refused(&Problem::new(Code::Conflict, "Leased already."));
    arrive(&mut lane, &[2]);
    assert_eq!(next(&mut lane), Some(Work::Write(group(2, &[2]))));
}

#[test]
fn members_past_the_last_place_hear_that_it_is_full() {
    let mut lane = Lane::default();
    arrive(&mut lane, &[1, 2]);
    next(&mut lane);
    let outcomes = lane.leased(5, 1, Called::default());
    assert_eq!(outcomes[0], (shopper(1), Ok(Heard::Index(5))));
    assert_eq!(outcomes[1].1.as_ref().unwrap_err().code, Code::QueueFull);
}

#[test]
fn an_entry_that_was_called_up_is_asked_about() {
    let stored = Entry {
        sequence: 1,
        place: 3,
        first: Some(4),
        leaving: None,
    };
    for (boarding, entrants, heard) in [
        (0, 9, Heard::Index(7)),
        (7, 0, Heard::Index(7)),
        (8, 0, Heard::CalledUp(7)),
        (1, 9, Heard::CalledUp(7)),
    ] {
        let mut lane = Lane::default();
        let called = Called { boarding, entrants };
        lane.arrive(shopper(1), called).unwrap();
        let arrivals = lane.arrivals();
        let told = lane.looked_up(arrivals, |_| Some(stored));
        assert_eq!(told, [(shopper(1), Ok(heard))]);
    }
}

#[test]
fn a_lane_refuses_more_than_it_can_hold() {
    let mut lane = Lane::default();
    arrive(&mut lane, &[1]);
    for number in 1..u128::try_from(GATHERING_MAX).unwrap() {
        lane.arrive(
            ShopperId::from_bytes(number.to_be_bytes()),
            Called::default(),
        )
        .unwrap();
    }
    let refused = lane.arrive(shopper(2), Called::default()).unwrap_err();
    assert_eq!(refused.code, Code::ServiceUnavailable);
    assert_eq!(
        lane.arrive(shopper(1), Called::default()),
        Ok(()),
        "they have their place"
    );
}
