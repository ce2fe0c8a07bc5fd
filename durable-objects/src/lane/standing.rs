//! Whether an entry that was called up still stands: the queue is asked when
//! `core/src/lane/questions.rs` says so.

use std::rc::Rc;
use std::time::Duration;

use futures::channel::oneshot;
use tidegate_core::UnixMillis;
use tidegate_core::calls::{LaneName, Reply};
use tidegate_core::queue::{Answer, Event};
use worker::Delay;

use super::Inner;
use crate::storage::now;
use crate::stub::interrupted;

/// Whether the entry of this index stands, by what the queue says from now on.
pub(super) async fn stands(inner: &Rc<Inner>, name: &LaneName, index: u64) -> Reply<bool> {
    let (sender, receiver) = oneshot::channel();
    let wanted = inner.questions.borrow_mut().want(index, sender, now())?;
    if let Some(at) = wanted {
        // The question belongs to the lane: others wait for it, and who brought them may hang up.
        let asked = ask(Rc::clone(inner), name.clone(), index, at);
        inner.state.wait_until(asked);
    }
    receiver.await.unwrap_or_else(|_| Err(interrupted()))
}

async fn ask(inner: Rc<Inner>, name: LaneName, index: u64, at: UnixMillis) {
    let pause = at.saturating_sub(now());
    if pause > 0 {
        Delay::from(Duration::from_millis(pause)).await;
    }
    let waiting = inner.questions.borrow_mut().begin(index, now());
    let epoch = name.epoch;
    let answer = inner.ask(&name, Event::Stands { epoch, index }).await;
    let stands = answer.map(|answer| answer == Answer::Stands(true));
    for sender in waiting {
        // Who hung up asks again.
        let _ = sender.send(stands.clone());
    }
}
