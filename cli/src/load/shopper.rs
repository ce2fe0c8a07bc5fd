//! One shopper's whole way: the page, the entry, the wait, the claim, the checkout. Each does what
//! the waiting room's own page would do, and the history tells what came of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::Method;
use tidegate_core::client::{Backoff, Call as Do, Client, Heard, Next};
use tidegate_core::ids::EntryKey;
use tidegate_judge::history::{Call as Noted, Verb};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::live::Live;
use super::standing::{
    ClaimAnswer, Entered, StatusAnswer, as_millis, millis, read_entered, refusal, seen_by,
};
use super::stats::Step;
use super::ticket::{self, Place};
use super::wire::{Answer, Call, Lost};
use super::world::World;
use crate::queue::bearer;

/// Every so many shoppers one makes its calls twice, to see that the second changes nothing.
const REPEATS_EVERY: u32 = 20;
/// How often in a row a shopper tries before they give up.
const TRIES: u16 = 6;

/// How a shopper's way ended.
enum End {
    Served,
    TurnedAway,
    GaveUp,
}

/// Somebody who came.
pub struct Shopper {
    number: u32,
    world: Arc<World>,
    /// The socket they listen on instead of polling.
    live: Option<watch::Receiver<Live>>,
}

impl Shopper {
    pub fn new(number: u32, world: &Arc<World>, live: Option<watch::Receiver<Live>>) -> Self {
        Self {
            number,
            world: Arc::clone(world),
            live,
        }
    }

    /// Goes all the way. `first` is when the first request is due, if that is reserved.
    pub async fn go(self, first: Option<Instant>) {
        let crowd = &self.world.crowd;
        add(&crowd.came);
        match self.way(first).await {
            End::Served => add(&crowd.served),
            End::TurnedAway => add(&crowd.turned_away),
            End::GaveUp => add(&crowd.gave_up),
        }
    }

    async fn way(&self, first: Option<Instant>) -> End {
        let pacer = &self.world.wire.pacer;
        let turn = match first {
            Some(due) => pacer.turn_at(due).await,
            None => pacer.turn().await,
        };
        // Who cannot load the page enters all the same: the room is what is measured.
        let _ = self
            .world
            .wire
            .send(turn, Step::Page, Call::get(&self.world.target.page))
            .await;
        match self.stand_in_line().await {
            Ok((entered, granted)) => self.check_out(&entered, &granted).await,
            Err(end) => end,
        }
    }

    /// From the entry to the admission, and the answer that gave it.
    async fn stand_in_line(&self) -> Result<(Entered, Answer), End> {
        let key = EntryKey::from_bytes(fastrand::u128(..).to_ne_bytes());
        let body = format!(r#"{{"entryKey":"{key}"}}"#);
        let mut client = Client::new(TRIES);
        let (mut call, mut after, mut is_retry) = (Do::Enter, 0, true);
        let (mut entered, mut live) = (None, self.live.clone());
        loop {
            let mut granted = None;
            let news = match &entered {
                Some(Entered { place, .. }) if !is_retry && after > 0 => {
                    self.news(place, &mut live, &client).await
                }
                _ => None,
            };
            let heard = match (news, &mut entered) {
                (Some(heard), _) => heard,
                (None, in_line) => {
                    sleep(millis(after)).await;
                    match (call, in_line) {
                        (Do::Look, Some(entered)) => self.look(entered).await,
                        (Do::Claim, Some(entered)) => {
                            let claimed = self.claim(Step::Claim, entered).await;
                            let heard = heard_of(&claimed);
                            granted = claimed.ok();
                            heard
                        }
                        (_, in_line) => {
                            let (place, heard) = self.enter(&body).await?;
                            *in_line = place;
                            heard
                        }
                    }
                }
            };
            is_retry = matches!(heard, Heard::Refused(_));
            (call, after) = match client.hears(heard, self.now(), fastrand::u32(..)) {
                Next::Do(call, after) => (call, after),
                Next::TurnedAway => return Err(End::TurnedAway),
                Next::GiveUp => return Err(End::GaveUp),
                Next::CheckOut => return entered.zip(granted).ok_or(End::GaveUp),
            };
        }
    }

    async fn enter(&self, body: &str) -> Result<(Option<Entered>, Heard), End> {
        let call = || Call::post(&self.world.paths.enter).body(body.to_owned());
        let result = self.ask(Step::Enter, Verb::Enter, call()).await;
        let Some(answer) = result.as_ref().ok().filter(|answer| answer.status == 200) else {
            return Ok((None, Heard::Refused(refusal(&result))));
        };
        let Some((entered, seen)) = read_entered(answer) else {
            self.world
                .note(String::from("an enter was answered with no ticket"));
            return Err(End::GaveUp);
        };
        add(&self.world.crowd.entered);
        if self.repeats() {
            let _ = self.ask(Step::Repeat, Verb::Enter, call()).await;
        }
        Ok((Some(entered), Heard::Seen(seen)))
    }

    /// What the socket says next, while it stands. Who is present waits for it until they claim
    /// again, and no longer.
    async fn news(
        &self,
        place: &Place,
        live: &mut Option<watch::Receiver<Live>>,
        client: &Client,
    ) -> Option<Heard> {
        let news = live.as_mut().filter(|news| news.borrow().up)?;
        let said = match client.renews_at() {
            None => news.changed().await,
            Some(at) if at <= self.now() => return None,
            Some(at) => match timeout(millis(at - self.now()), news.changed()).await {
                Ok(said) => said,
                Err(_) => return Some(Heard::Nothing),
            },
        };
        said.ok()?;
        let seen = *news.borrow_and_update();
        seen.up.then(|| Heard::Seen(seen_by(place, seen)))
    }

    async fn look(&self, entered: &mut Entered) -> Heard {
        let call = Call::get(&self.world.paths.status).bearer(&entered.ticket);
        let result = self.world.wire.call(Step::Status, call).await;
        let Some(answer) = result.as_ref().ok().filter(|answer| answer.status == 200) else {
            return Heard::Refused(refusal(&result));
        };
        let Some(status) = answer.json::<StatusAnswer<'_>>() else {
            return Heard::Nothing;
        };
        if let Some(renewed) = status.ticket.and_then(bearer) {
            entered.ticket = renewed;
        }
        if let Some(place) = status.ticket.and_then(ticket::read) {
            entered.place = place;
        }
        Heard::Seen(status.seen())
    }

    /// The run's own clock, in milliseconds.
    fn now(&self) -> u64 {
        as_millis(self.world.began.elapsed())
    }

    /// Sends a call of which the history tells.
    async fn ask(&self, step: Step, verb: Verb, call: Call<'_>) -> Result<Answer, Lost> {
        let World { wire, record, .. } = &*self.world;
        let noted = Noted {
            verb,
            entry: self.number.to_string(),
            key: call.idempotency_key.map(str::to_owned),
            ..Noted::default()
        };
        let turn = wire.pacer.turn().await;
        let at = record.sends(noted);
        let answer = wire.send(turn, step, call).await?;
        record.answered(at, &answer);
        Ok(answer)
    }

    async fn claim(&self, step: Step, entered: &Entered) -> Result<Answer, Lost> {
        let call = Call::post(&self.world.paths.claim).bearer(&entered.ticket);
        self.ask(step, Verb::Claim, call).await
    }

    /// What the origin does with somebody who brings a token.
    async fn check_out(&self, entered: &Entered, granted: &Answer) -> End {
        let world = &self.world;
        add(&world.crowd.admitted);
        let grant = granted.json::<ClaimAnswer<'_>>();
        let told = grant.and_then(|grant| Some((grant.admission_id?, grant.handoff_token?)));
        let Some((admission, token)) = told else {
            world.note(String::from("a claim was granted without a token"));
            return End::GaveUp;
        };
        if self.repeats() {
            let _ = self.claim(Step::Repeat, entered).await;
        }
        let Some(origin) = &world.keys.origin else {
            return self.leave(entered).await;
        };
        let body = format!(r#"{{"handoffToken":"{token}"}}"#);
        let redeem = || {
            Call::post("/v1/handoffs/redeem")
                .bearer(origin)
                .body(body.clone())
        };
        let with_key = || Call {
            idempotency_key: Some(admission),
            ..redeem()
        };
        if self
            .settled(Step::Redeem, Verb::Redeem, with_key)
            .await
            .is_none()
        {
            return End::GaveUp;
        }
        if self.repeats() {
            let _ = self.ask(Step::Repeat, Verb::Redeem, redeem()).await;
        }
        if !world.checkout.is_zero() {
            sleep(world.checkout).await;
        }
        let path = format!("{}/{admission}/complete", world.paths.admissions);
        let complete = || Call::post(&path).bearer(origin);
        match self.settled(Step::Complete, Verb::Complete, complete).await {
            Some(_) => End::Served,
            None => End::GaveUp,
        }
    }

    async fn leave(&self, entered: &Entered) -> End {
        let leave = || Call {
            method: Method::DELETE,
            ..Call::get(&self.world.paths.leave).bearer(&entered.ticket)
        };
        match self.settled(Step::Leave, Verb::Leave, leave).await {
            Some(_) => End::Served,
            None => End::GaveUp,
        }
    }

    /// Sends until the answer is the one that is wanted; `None` where it is another for good.
    async fn settled<'a>(
        &self,
        step: Step,
        verb: Verb,
        call: impl Fn() -> Call<'a>,
    ) -> Option<Answer> {
        let mut backoff = Backoff::new(TRIES);
        loop {
            let result = self.ask(step, verb, call()).await;
            match result {
                Ok(answer) if step.expects(answer.status, answer.code()) => return Some(answer),
                refused => {
                    let after = backoff.retry(refusal(&refused), fastrand::u32(..))?;
                    sleep(millis(after)).await;
                }
            }
        }
    }

    const fn repeats(&self) -> bool {
        self.number.is_multiple_of(REPEATS_EVERY)
    }
}

/// What a claim came to.
fn heard_of(claimed: &Result<Answer, Lost>) -> Heard {
    match claimed {
        Ok(answer) if answer.status == 200 => Heard::Admitted,
        Ok(answer) if answer.status == 202 => {
            let body = answer.json::<ClaimAnswer<'_>>();
            Heard::Present {
                at: body.as_ref().map_or(0, |body| body.server_time),
                look_after: body.and_then(|body| body.retry_after_ms),
            }
        }
        _ => Heard::Refused(refusal(claimed)),
    }
}

fn add(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}
