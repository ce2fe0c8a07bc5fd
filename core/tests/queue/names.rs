//! What a queue is called, and whom its tokens are for.

use serde_json::{Value, json};
use tidegate_core::config::QueueConfig;
use tidegate_core::fair::Fresh;
use tidegate_core::ids::QueueId;
use tidegate_core::problem::Code;
use tidegate_core::queue::head::Head;
use tidegate_core::queue::machine::Stored;
use tidegate_core::queue::{Answer, Machine, handle};

use crate::world::{EPOCH, World, put};

fn named(id: &str, config: Value) -> World {
    let mut world = World::default();
    world.report(put(id, config)).unwrap();
    world
}

/// The audience of the token that the first shopper is given.
fn granted_audience(mut world: World) -> String {
    world.enter(1);
    match world.claim(0).unwrap() {
        Answer::Granted(grant) => grant.audience,
        other => panic!("{other:?}"),
    }
}

#[test]
fn tokens_of_two_queues_are_for_two_audiences_unless_the_operator_says_otherwise() {
    let configs = [
        ("lamp", json!({"maxActive": 1})),
        ("chair", json!({"maxActive": 1, "audience": null})),
        ("named", json!({"maxActive": 1, "audience": "checkout"})),
    ];
    let audiences = configs.map(|(id, config)| granted_audience(named(id, config)));
    assert_eq!(audiences, ["lamp", "chair", "checkout"]);
}

#[test]
fn a_removed_audience_is_the_queue_s_own_again() {
    let mut world = named("lamp", json!({"maxActive": 1, "audience": "checkout"}));
    let kept = world.patch(json!({"maxActive": 2})).unwrap();
    assert_eq!(kept["config"]["audience"], "checkout");
    let removed = world.patch(json!({"audience": null})).unwrap();
    assert_eq!(removed["config"]["audience"], "lamp");
    let replaced = world.report(put("lamp", json!({"maxActive": 1}))).unwrap();
    assert_eq!(replaced["config"]["audience"], "lamp");
}

/// Its ticket's cookie would have the name of the pass cookie of the queue `lamp`.
#[test]
fn no_new_queue_is_named_like_another_one_s_pass() {
    let mut world = World::default();
    let (answer, effects) = world.step(put("pass-lamp", json!({"maxActive": 1})));
    let problem = answer.unwrap_err();
    assert_eq!(problem.code, Code::ValidationError);
    assert!(problem.detail.contains("pass-"), "{}", problem.detail);
    assert!(world.queue.machine().is_none() && effects.is_empty());
    named("passage", json!({"maxActive": 1}));
}

#[test]
fn a_queue_that_was_named_so_before_goes_on() {
    let id: QueueId = "pass-lamp".parse().unwrap();
    let config = QueueConfig::parse(&json!({"maxActive": 1}), &id).unwrap();
    let head = Head::new(id, config, Fresh::known(EPOCH), 1);
    let mut queue = Some(Machine::restore(head, Stored::default()));
    let changed = handle(
        &mut queue,
        put("pass-lamp", json!({"maxActive": 2})),
        None,
        5,
    );
    assert!(
        matches!(changed.answer, Ok(Answer::Report(report)) if report["config"]["maxActive"] == 2)
    );
}
