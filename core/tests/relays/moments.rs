//! Moments between a queue and its relays that chance hits rarely, in exact order.

use serde_json::json;
use tidegate_core::UnixMillis;
use tidegate_core::calls::RelayName;
use tidegate_core::fair::{Fresh, Root};
use tidegate_core::ids::Epoch;
use tidegate_core::queue::{Answer, Event, Machine, handle};
use tidegate_core::relay::{Event as Heard, Relay};
use tidegate_core::view::snapshot::EdgeView;

const NOW: UnixMillis = 1_800_000_000_000;

fn epoch() -> Epoch {
    Epoch::from_bytes([1; 16])
}

fn happen(queue: &mut Option<Machine>, event: Event, now: UnixMillis) -> Answer {
    handle(queue, event, None, now).answer.unwrap()
}

fn queue() -> Option<Machine> {
    let mut queue = None;
    let put = Event::Put {
        id: "drop".parse().unwrap(),
        config: json!({"maxActive": 3}),
        fresh: Fresh::known(epoch()),
    };
    happen(&mut queue, put, NOW);
    queue
}

fn watch(queue: &mut Option<Machine>, relay: u16, now: UnixMillis) {
    let watch = Event::Watch {
        epoch: epoch(),
        relay,
        sockets: 1,
        capacity: 100,
    };
    happen(queue, watch, now);
}

/// Somebody enters, and whom the queue pushes that to.
fn pushed_to(queue: &mut Option<Machine>, sequence: u64, now: UnixMillis) -> Vec<u16> {
    let lease = Event::Lease {
        epoch: epoch(),
        lane: 0,
        sequence,
        count: 1,
        root: Root::from_bytes([0; 32]),
    };
    happen(queue, lease, now);
    let push = queue.as_mut().unwrap().next_push().unwrap();
    push.relays.iter().map(|relay| relay.number).collect()
}

fn view(queue: &mut Option<Machine>, now: UnixMillis) -> Box<EdgeView> {
    match happen(queue, Event::View, now) {
        Answer::View(view) => view,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_relay_that_asked_while_a_push_was_under_way_is_not_given_up_by_its_older_answer() {
    let mut queue = queue();
    watch(&mut queue, 0, NOW);
    watch(&mut queue, 1, NOW);
    assert_eq!(pushed_to(&mut queue, 1, NOW + 2_000), [0, 1]);
    // Relay 0 answers the push at once that it holds nothing, relay 1 hangs; a socket comes to
    // relay 0.
    watch(&mut queue, 0, NOW + 3_000);
    let pushed = Event::Pushed {
        epoch: epoch(),
        outcomes: vec![(0, Some(0)), (1, None)],
    };
    happen(&mut queue, pushed, NOW + 5_000);
    assert!(pushed_to(&mut queue, 2, NOW + 6_000).contains(&0));
}

#[test]
fn a_relay_that_edges_read_through_is_given_up_once_its_last_socket_is_closed() {
    let mut queue = queue();
    let name = RelayName {
        queue: "drop".parse().unwrap(),
        epoch: epoch(),
        number: 0,
    };
    let mut relay = Relay::new(name, 100, 0);
    let _ = relay.question(true, NOW);
    relay.handle(Heard::Heard(Ok(view(&mut queue, NOW))), NOW);
    relay.open().unwrap();
    relay.closed();
    let now = NOW + 1_500;
    assert!(matches!(relay.question(false, now), Event::View));
    relay.handle(Heard::Heard(Ok(view(&mut queue, now))), now);
    relay.handle(Heard::Pushed(view(&mut queue, now + 500)), now + 500);
    assert_eq!(relay.sockets(now + 500), 0);
}
