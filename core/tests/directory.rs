//! Operators who put, patch and delete one queue at the same time, in every order in which their
//! steps can fall: no queue is ever left that is not listed.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test ends where something is not as it must be"
)]

use serde_json::json;
use tidegate_core::UnixMillis;
use tidegate_core::calls::{DirectoryCall, DirectoryEntry, DirectoryReply};
use tidegate_core::directory::{Directory, Life, QUEUES_MAX};
use tidegate_core::fair::Fresh;
use tidegate_core::ids::{Epoch, QueueId};
use tidegate_core::problem::Code;
use tidegate_core::queue::{Answer, Event, Machine, handle};

fn id(text: &str) -> QueueId {
    text.parse().unwrap()
}

fn entry(name: &str, epoch: Epoch) -> DirectoryEntry {
    DirectoryEntry {
        id: id(name),
        epoch,
    }
}

/// One name's queue, and the directory.
#[derive(Default)]
struct Deployment {
    directory: Directory,
    queue: Option<Machine>,
    now: UnixMillis,
}

impl Deployment {
    fn call(&mut self, call: DirectoryCall) -> DirectoryReply {
        self.directory.handle(call).0.unwrap()
    }

    fn listed(&mut self) -> Option<Epoch> {
        match self.call(DirectoryCall::List) {
            DirectoryReply::Queues(queues) => queues.first().map(|entry| entry.epoch),
            DirectoryReply::Done => None,
        }
    }

    fn event(&mut self, event: Event) -> Option<Answer> {
        self.now += 1;
        handle(&mut self.queue, event, None, self.now).answer.ok()
    }

    /// The queue's epoch, and when it began.
    fn life(&self) -> Option<Life> {
        let head = self.queue.as_ref()?.head();
        Some(Life {
            epoch: head.epoch,
            since: head.created_at,
        })
    }

    fn epoch(&self) -> Option<Epoch> {
        self.life().map(|life| life.epoch)
    }
}

/// An operator's call, as an edge makes it: one step a message to an object.
#[derive(Clone)]
enum Operator {
    Put {
        fresh: Epoch,
        step: u8,
        /// Whether it made the queue.
        made: bool,
        seen: Option<Life>,
    },
    Patch {
        step: u8,
        seen: Option<Life>,
    },
    Delete {
        step: u8,
        epochs: Vec<Epoch>,
    },
}

impl Operator {
    const PATCH: Self = Self::Patch {
        step: 0,
        seen: None,
    };
    const DELETE: Self = Self::Delete {
        step: 0,
        epochs: Vec::new(),
    };

    fn put(number: u8) -> Self {
        Self::Put {
            fresh: Epoch::from_bytes([number; 16]),
            step: 0,
            made: false,
            seen: None,
        }
    }

    fn finish(&mut self, deployment: &mut Deployment) {
        while self.step(deployment) {}
    }

    /// Takes a step; `false` when there is none left.
    fn step(&mut self, deployment: &mut Deployment) -> bool {
        match self {
            Self::Put {
                fresh,
                step,
                made,
                seen,
            } => {
                *step += 1;
                match *step {
                    1 => {
                        deployment.call(DirectoryCall::Reserve(entry("lamp", *fresh)));
                    }
                    2 => {
                        deployment.event(Event::Put {
                            id: id("lamp"),
                            config: json!({ "maxActive": 1 }),
                            fresh: Fresh::known(*fresh),
                        });
                        *made = deployment.epoch() == Some(*fresh);
                    }
                    3 => *seen = deployment.life(),
                    4 => tell(deployment, *seen, *made),
                    _ => return false,
                }
            }
            Self::Patch { step, seen } => {
                *step += 1;
                match *step {
                    1 => *seen = deployment.life(),
                    2 => tell(deployment, *seen, false),
                    _ => return false,
                }
            }
            Self::Delete { step, epochs } => {
                *step += 1;
                match *step {
                    1 => epochs.extend(deployment.listed()),
                    2 => {
                        if let Some(Answer::Deleted(epoch)) = deployment.event(Event::Delete) {
                            epochs.push(epoch);
                        }
                    }
                    3 => {
                        deployment.call(DirectoryCall::Remove {
                            id: id("lamp"),
                            epochs: epochs.clone(),
                        });
                    }
                    _ => return false,
                }
            }
        }
        true
    }
}

/// Tells the directory of what was seen of the queue.
fn tell(deployment: &mut Deployment, seen: Option<Life>, made: bool) {
    if let Some(Life { epoch, since }) = seen {
        let entry = entry("lamp", epoch);
        deployment.call(if made {
            DirectoryCall::Confirm { entry, since }
        } else {
            DirectoryCall::Update { entry, since }
        });
    }
}

/// Lets operators take their steps in the order of `turns`, and then each to the end.
fn run(operators: &[Operator], mut order: usize) -> Deployment {
    let mut operators = operators.to_vec();
    let mut deployment = Deployment::default();
    Operator::put(9).finish(&mut deployment);
    for _ in 0..8 {
        let count = operators.len();
        operators[order % count].step(&mut deployment);
        order /= count;
    }
    for operator in &mut operators {
        operator.finish(&mut deployment);
    }
    deployment
}

#[test]
fn no_order_of_calls_leaves_a_queue_that_is_not_listed() {
    let sets: [&[Operator]; 4] = [
        &[Operator::put(1), Operator::DELETE],
        &[Operator::put(1), Operator::put(2), Operator::DELETE],
        &[Operator::PATCH, Operator::DELETE],
        &[Operator::put(1), Operator::PATCH, Operator::DELETE],
    ];
    for set in sets {
        for order in 0..set.len().pow(8) {
            let mut deployment = run(set, order);
            let listed = deployment.listed();
            if let Some(epoch) = deployment.epoch() {
                assert_eq!(listed, Some(epoch), "{} calls, order {order}", set.len());
            }
        }
    }
}

#[test]
fn a_patch_that_meets_a_deletion_leaves_no_name_behind() {
    for order in 0..2_usize.pow(8) {
        let mut deployment = run(&[Operator::PATCH, Operator::DELETE], order);
        assert_eq!(deployment.listed(), None, "order {order}");
    }
}

#[test]
fn a_put_that_dies_anywhere_leaves_nothing_or_a_name_that_can_be_deleted() {
    for steps in 0..=4 {
        let mut deployment = Deployment::default();
        let mut put = Operator::put(1);
        for _ in 0..steps {
            put.step(&mut deployment);
        }
        if deployment.epoch().is_some() {
            assert!(deployment.listed().is_some(), "after {steps} steps");
        }
        let mut delete = Operator::DELETE;
        delete.finish(&mut deployment);
        assert_eq!((deployment.listed(), deployment.epoch()), (None, None));
    }
}

#[test]
fn one_queue_too_many_is_refused_before_it_exists() {
    let name = |number: usize| format!("q-{number}");
    let epoch = Epoch::from_bytes([1; 16]);
    let life = Life { epoch, since: 1 };
    let mut directory = Directory::new((0..QUEUES_MAX).map(|number| (id(&name(number)), life)));
    let reserve = |number| DirectoryCall::Reserve(entry(&name(number), epoch));
    let (reply, change) = directory.handle(reserve(QUEUES_MAX));
    assert_eq!(reply.unwrap_err().code, Code::Conflict);
    assert_eq!(change, None);
    let known = directory.handle(reserve(7));
    assert_eq!(known, (Ok(DirectoryReply::Done), None));
}

#[test]
fn only_the_life_that_was_deleted_is_unlisted() {
    let [old, new] = [1, 2].map(|byte| Epoch::from_bytes([byte; 16]));
    let life = Life {
        epoch: new,
        since: 1,
    };
    let mut directory = Directory::new([(id("lamp"), life)]);
    let remove = |epochs: Vec<Epoch>| DirectoryCall::Remove {
        id: id("lamp"),
        epochs,
    };
    assert_eq!(directory.handle(remove(vec![old])).1, None);
    assert!(directory.handle(remove(vec![old, new])).1.is_some());
}
