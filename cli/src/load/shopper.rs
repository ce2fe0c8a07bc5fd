//! One shopper's whole way: the page, the entry, the wait, the claim, the checkout. Each does what the
//! waiting room's own page would do, and the history tells what came of it.

use core::time::Duration;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::Method;
use tidegate_core::ids::EntryKey;
use tidegate_judge::history::{Call as Noted, Verb};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout_at};

use super::backoff::Backoff;
use super::live::Seen;
use super::standing::{
    ClaimAnswer, Entered, POLL, Standing, StatusAnswer, millis, read_entered, standing, standing_by,
};
use super::stats::Step;
use super::ticket;
use super::wire::{Answer, Call, Lost};
use super::world::World;
use crate::queue::bearer;

/// Every so many shoppers one makes its calls twice, to see that the second changes nothing.
const REPEATS_EVERY: u32 = 20;
/// How often in a row a shopper tries before they give up.
const TRIES: u32 = 6;
/// A present shopper claims again after this, or later if they are told so.
const RENEW: Duration = Duration::from_secs(30);

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
    live: Option<watch::Receiver<Seen>>,
}

impl Shopper {
    pub fn new(number: u32, world: &Arc<World>, live: Option<watch::Receiver<Seen>>) -> Self {
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
        let entered = match self.enter().await {
            Ok(entered) => entered,
            Err(end) => return end,
        };
        add(&self.world.crowd.entered);
        self.wait_and_claim(entered).await
    }

    /// Enters, and tries again with the same key until there is an answer.
    async fn enter(&self) -> Result<Entered, End> {
        let key = EntryKey::from_bytes(fastrand::u128(..).to_ne_bytes());
        let body = format!(r#"{{"entryKey":"{key}"}}"#);
        let call = || Call::post(&self.world.paths.enter).body(body.clone());
        let mut backoff = Backoff::default();
        loop {
            let retry_after = match self.ask(Step::Enter, Verb::Enter, call()).await {
                Ok(answer) if answer.status == 200 => {
                    let Some(entered) = read_entered(&answer) else {
                        self.world
                            .note(String::from("an enter was answered with no ticket"));
                        return Err(End::GaveUp);
                    };
                    if self.repeats() {
                        let _ = self.ask(Step::Repeat, Verb::Enter, call()).await;
                    }
                    return Ok(entered);
                }
                Ok(answer) if Step::Enter.expects(answer.status, answer.code()) => {
                    return Err(End::TurnedAway);
                }
                Ok(answer) if is_final(&answer) => return Err(End::GaveUp),
                Ok(answer) => answer.retry_after,
                Err(_) => None,
            };
            pause(&mut backoff, retry_after).await?;
        }
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

    async fn wait_and_claim(&self, mut entered: Entered) -> End {
        let mut live = self.live.clone();
        let mut backoff = Backoff::default();
        // Since this moment of the server's, a claim is waiting for its slot.
        let mut present_since: Option<u64> = None;
        // When to claim again all the same, so that the queue knows that somebody is here.
        let mut renews_at = Instant::now();
        loop {
            let renews = Instant::now() >= renews_at;
            let claims = match entered.standing {
                Standing::Ready {
                    collect,
                    server_time,
                } => renews || present_since.is_none_or(|since| collect && server_time >= since),
                Standing::Wait(_) => false,
                Standing::Over => return End::TurnedAway,
            };
            let mut wait = match entered.standing {
                Standing::Wait(wait) => wait,
                _ => POLL,
            };
            if claims {
                match self.claim(Step::Claim, &entered).await {
                    Ok(answer) if answer.status == 200 => {
                        return self.check_out(&entered, &answer).await;
                    }
                    Ok(answer) if answer.status == 202 => {
                        backoff.reset();
                        let body = answer.json::<ClaimAnswer<'_>>();
                        present_since = body.as_ref().map(|body| body.server_time);
                        wait = body
                            .and_then(|body| body.retry_after_ms)
                            .map_or(POLL, millis);
                        renews_at = Instant::now() + wait.max(RENEW);
                    }
                    Ok(answer) if answer.status == 410 => return End::TurnedAway,
                    Ok(answer) if answer.status == 409 => backoff.reset(),
                    Ok(answer) if is_final(&answer) => return End::GaveUp,
                    refused => {
                        let asked = refused.ok().and_then(|answer| answer.retry_after);
                        if let Err(end) = pause(&mut backoff, asked).await {
                            return end;
                        }
                        continue;
                    }
                }
            }
            let looks = self.look(&mut entered, &mut live, wait, &mut backoff);
            if present_since.is_none() {
                if let Err(end) = looks.await {
                    return end;
                }
            } else if let Ok(Err(end)) = timeout_at(renews_at, looks).await {
                return end;
            }
        }
    }

    /// Waits for news: by the socket while it stands, by a poll after `wait` else.
    async fn look(
        &self,
        entered: &mut Entered,
        live: &mut Option<watch::Receiver<Seen>>,
        wait: Duration,
        backoff: &mut Backoff,
    ) -> Result<(), End> {
        if let Some(news) = live
            && news.borrow().up
            && news.changed().await.is_ok()
        {
            let seen = *news.borrow_and_update();
            if seen.up {
                entered.standing = standing_by(&entered.place, seen);
                return Ok(());
            }
        }
        sleep(wait).await;
        let call = Call::get(&self.world.paths.status).bearer(&entered.ticket);
        match self.world.wire.call(Step::Status, call).await {
            Ok(answer) if answer.status == 200 => {
                backoff.reset();
                if let Some(status) = answer.json::<StatusAnswer<'_>>() {
                    if let Some(renewed) = status.ticket.and_then(bearer) {
                        entered.ticket = renewed;
                    }
                    if let Some(place) = status.ticket.and_then(ticket::read) {
                        entered.place = place;
                    }
                    entered.standing = standing(&status);
                }
                Ok(())
            }
            Ok(answer) if is_final(&answer) => Err(End::GaveUp),
            refused => pause(backoff, refused.ok().and_then(|answer| answer.retry_after)).await,
        }
    }

    async fn claim(&self, step: Step, entered: &Entered) -> Result<Answer, Lost> {
        let call = Call::post(&self.world.paths.claim).bearer(&entered.ticket);
        self.ask(step, Verb::Claim, call).await
    }

    /// What the origin does with whoever brings a token.
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
        let mut backoff = Backoff::default();
        loop {
            let retry_after = match self.ask(step, verb, call()).await {
                Ok(answer) if step.expects(answer.status, answer.code()) => return Some(answer),
                Ok(answer) if is_final(&answer) => return None,
                Ok(answer) => answer.retry_after,
                Err(_) => None,
            };
            pause(&mut backoff, retry_after).await.ok()?;
        }
    }

    const fn repeats(&self) -> bool {
        self.number.is_multiple_of(REPEATS_EVERY)
    }
}

/// Waits before another try, and gives up after too many.
async fn pause(backoff: &mut Backoff, retry_after: Option<Duration>) -> Result<(), End> {
    let wait = backoff.next(retry_after);
    if backoff.failures() >= TRIES {
        return Err(End::GaveUp);
    }
    sleep(wait).await;
    Ok(())
}

/// Whether trying again would get the same answer.
fn is_final(answer: &Answer) -> bool {
    (400..500).contains(&answer.status) && answer.status != 429 && answer.status != 408
}

fn add(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}
