//! What a queue is called, and whom its tokens are for.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends where something is not as it must be"
)]

use serde_json::{Value, json};
use tidegate_core::config::QueueConfig;
use tidegate_core::fair::{Fresh, Root};
use tidegate_core::ids::{Epoch, QueueId, ShopperId};
use tidegate_core::problem::Code;
use tidegate_core::queue::event::Holder;
use tidegate_core::queue::head::Head;
use tidegate_core::queue::machine::Stored;
use tidegate_core::queue::{Answer, Event, Machine, handle};

const EPOCH: Epoch = Epoch::from_bytes([9; 16]);

fn put(id: &str, config: Value) -> Event {
    Event::Put {
        id: id.parse().unwrap(),
        config,
        fresh: Fresh::known(EPOCH),
    }
}

fn report(queue: &mut Option<Machine>, event: Event) -> Value {
    match handle(queue, event, None, 5).answer.unwrap() {
        Answer::Report(report) => report,
        other => panic!("{other:?}"),
    }
}

/// The audience of the token that the first shopper is given.
fn granted_audience(queue: &mut Option<Machine>) -> String {
    let lease = Event::Lease {
        epoch: EPOCH,
        lane: 0,
        sequence: 1,
        count: 1,
        root: Root::from_bytes([3; 32]),
    };
    handle(queue, lease, None, 6).answer.unwrap();
    let holder = Holder {
        epoch: EPOCH,
        index: 0,
        position: Some(0),
        shopper: ShopperId::from_bytes([1; 16]),
    };
    match handle(queue, Event::Claim(holder), None, 7).answer.unwrap() {
        Answer::Granted(grant) => grant.audience,
        other => panic!("{other:?}"),
    }
}

#[test]
fn tokens_of_two_queues_are_for_two_audiences_unless_the_operator_says_otherwise() {
    let (mut lamp, mut chair, mut named) = (None, None, None);
    report(&mut lamp, put("lamp", json!({"maxActive": 1})));
    report(
        &mut chair,
        put("chair", json!({"maxActive": 1, "audience": null})),
    );
    let config = json!({"maxActive": 1, "audience": "checkout"});
    report(&mut named, put("named", config));
    let audiences = [lamp, chair, named].map(|mut queue| granted_audience(&mut queue));
    assert_eq!(audiences, ["lamp", "chair", "checkout"]);
}

#[test]
fn a_removed_audience_is_the_queue_s_own_again() {
    let mut queue = None;
    report(
        &mut queue,
        put("lamp", json!({"maxActive": 1, "audience": "checkout"})),
    );
    let patch = |patch: Value| Event::Patch {
        patch,
        fresh: Fresh::known(EPOCH),
    };
    let kept = report(&mut queue, patch(json!({"maxActive": 2})));
    assert_eq!(kept["config"]["audience"], "checkout");
    let removed = report(&mut queue, patch(json!({"audience": null})));
    assert_eq!(removed["config"]["audience"], "lamp");
    let replaced = report(&mut queue, put("lamp", json!({"maxActive": 1})));
    assert_eq!(replaced["config"]["audience"], "lamp");
}

/// Its ticket's cookie would have the name of the pass cookie of the queue `lamp`.
#[test]
fn no_new_queue_is_named_like_another_one_s_pass() {
    let mut queue = None;
    let refused = handle(
        &mut queue,
        put("pass-lamp", json!({"maxActive": 1})),
        None,
        5,
    );
    let problem = refused.answer.unwrap_err();
    assert_eq!(problem.code, Code::ValidationError);
    assert!(problem.detail.contains("pass-"), "{}", problem.detail);
    assert!(queue.is_none() && refused.effects.is_empty());
    report(&mut queue, put("passage", json!({"maxActive": 1})));
}

#[test]
fn a_queue_that_was_named_so_before_goes_on() {
    let id: QueueId = "pass-lamp".parse().unwrap();
    let config = QueueConfig::parse(&json!({"maxActive": 1}), &id).unwrap();
    let head = Head::new(id, config, Fresh::known(EPOCH), 1);
    let mut queue = Some(Machine::restore(head, Stored::default()));
    let changed = report(&mut queue, put("pass-lamp", json!({"maxActive": 2})));
    assert_eq!(changed["config"]["maxActive"], 2);
}
