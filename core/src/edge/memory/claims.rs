//! How often the claims of one ticket reach its queue from an edge: a few at once, and then once a
//! second. Between those, who claims hears what the queue said last.
//!
//! A client that heeds `retryAfterMs` claims every two seconds or more, and once more when a
//! snapshot says that its admission is there: it never comes so soon that it hears an old answer.

use std::collections::BTreeMap;

use super::recall::TicketKey;
use super::recent::Recent;
use crate::UnixMillis;
use crate::calls::Reply;
use crate::ids::Epoch;
use crate::queue::Answer;

/// How long one claim that reaches the queue takes off the next.
const EACH_MILLIS: u64 = 1_000;
/// How many may come at once.
const AT_ONCE: u64 = 3;
/// How long an answer is said again, at most: while the next is on its way, too.
const LASTS_MILLIS: u64 = 2_000;
/// How long a ticket is remembered that claims no more.
const REMEMBERED_MILLIS: u64 = 10_000;

/// What becomes of a claim.
#[derive(Clone, Debug, PartialEq)]
pub enum Turn {
    /// The queue is asked.
    Ask,
    /// This was its answer a moment ago.
    Again(Answer),
}

/// See the module's documentation.
#[derive(Default)]
pub struct Claims {
    tickets: Recent<TicketKey, Asked>,
    /// When a slot may have become free, of an epoch of a queue.
    freed: BTreeMap<Epoch, UnixMillis>,
}

#[derive(Default)]
struct Asked {
    /// Up to when the claims so far use up what may come.
    paced_to: UnixMillis,
    answer: Option<Answered>,
}

struct Answered {
    answer: Answer,
    /// When it was given, and of which version of the view.
    at: UnixMillis,
    version: u64,
    until: UnixMillis,
}

impl Claims {
    /// A ticket claims, and the edge's view has this version.
    pub fn turn(&mut self, key: TicketKey, version: u64, now: UnixMillis) -> Turn {
        let mut asked = self.tickets.take(key, now).unwrap_or_default();
        let paced_to = asked.paced_to.max(now);
        let most = now.saturating_add(EACH_MILLIS.saturating_mul(AT_ONCE));
        let next = paced_to.saturating_add(EACH_MILLIS);
        let known = asked.answer.as_mut().filter(|known| now < known.until);
        let turn = match known {
            Some(known) if next > most => {
                let freed = self.freed.get(&key.0).copied().unwrap_or(0);
                let waits = matches!(known.answer, Answer::Boarding { .. });
                let is_old = known.version != version || (waits && known.at <= freed);
                if is_old {
                    // Who comes before the next answer hears this one: it is asked for once.
                    (known.version, known.at) = (version, now.max(freed.saturating_add(1)));
                    Turn::Ask
                } else {
                    Turn::Again(known.answer.clone())
                }
            }
            _ => Turn::Ask,
        };
        if turn == Turn::Ask {
            asked.paced_to = next.min(most);
        }
        self.put(key, asked, now);
        turn
    }

    /// What a queue answered to a ticket's claim, where the edge's view had this version. A refusal
    /// is remembered elsewhere: see [`Recall`](super::recall::Recall).
    pub fn answered(
        &mut self,
        key: TicketKey,
        answer: &Reply<Answer>,
        version: u64,
        now: UnixMillis,
    ) {
        let mut asked = self.tickets.take(key, now).unwrap_or_default();
        let lasts = now.saturating_add(LASTS_MILLIS);
        let until = match answer {
            Ok(Answer::Granted(grant)) => Some(grant.expires_at.min(lasts)),
            Ok(Answer::Boarding { .. }) => Some(lasts),
            _ => None,
        };
        asked.answer = until
            .zip(answer.as_ref().ok())
            .map(|(until, answer)| Answered {
                answer: answer.clone(),
                at: now,
                version,
                until,
            });
        self.put(key, asked, now);
    }

    /// Something happened to a ticket's admission, by which others of its queue may be next.
    pub fn changed(&mut self, key: TicketKey, now: UnixMillis) {
        self.tickets.forget(key);
        let lasts = now.saturating_sub(LASTS_MILLIS);
        self.freed.retain(|_, at| *at > lasts);
        self.freed.insert(key.0, now);
    }

    fn put(&mut self, key: TicketKey, asked: Asked, now: UnixMillis) {
        let until = now.saturating_add(REMEMBERED_MILLIS);
        self.tickets.put(key, asked, until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Access;
    use crate::ids::{AdmissionId, ShopperId};
    use crate::problem::{Code, Problem};
    use crate::queue::event::Grant;

    const EPOCH: Epoch = Epoch::from_bytes([1; 16]);
    const KEY: TicketKey = (EPOCH, 3);
    const NOW: UnixMillis = 1_000_000;

    fn boarding() -> Answer {
        Answer::Boarding {
            retry_after_ms: 2_000,
            server_time: NOW,
        }
    }

    fn granted(expires_at: UnixMillis) -> Answer {
        Answer::Granted(Grant {
            admission_id: AdmissionId {
                epoch: EPOCH,
                index: 3,
            },
            shopper: ShopperId::from_bytes([1; 16]),
            position: 4,
            access: Access::Queue,
            expires_at,
            audience: "lamp".into(),
            checkout_url: "/checkout".into(),
        })
    }

    /// Claims, and is answered at once if the queue is asked. Says whether it was.
    fn claim(claims: &mut Claims, answer: &Answer, version: u64, now: UnixMillis) -> bool {
        let turn = claims.turn(KEY, version, now);
        if turn == Turn::Ask {
            claims.answered(KEY, &Ok(answer.clone()), version, now);
        }
        turn == Turn::Ask
    }

    /// A ticket that used up all that may come at once.
    fn spent(answer: &Answer) -> Claims {
        let mut claims = Claims::default();
        for _ in 0..AT_ONCE {
            assert!(claim(&mut claims, answer, 1, NOW));
        }
        claims
    }

    #[test]
    fn a_ticket_in_a_loop_reaches_the_queue_once_a_second() {
        for answer in [boarding(), granted(NOW + 120_000)] {
            let mut claims = Claims::default();
            let times = (NOW..NOW + 10_000).step_by(5);
            let asked = times.filter(|now| claim(&mut claims, &answer, 1, *now));
            assert_eq!(asked.count(), 3 + 9, "of two thousand");
        }
    }

    #[test]
    fn who_claims_when_they_are_told_to_never_hears_an_old_answer() {
        let mut claims = Claims::default();
        for second in (0..60_000).step_by(2_000) {
            let now = NOW + second;
            assert!(claim(&mut claims, &boarding(), 1, now));
            // A snapshot by socket says that the admission is there, before this edge's view does.
            assert!(claim(&mut claims, &boarding(), 1, now + 300));
        }
    }

    #[test]
    fn each_ticket_and_each_life_has_its_own() {
        let mut claims = spent(&boarding());
        let next_life = (Epoch::from_bytes([2; 16]), KEY.1);
        assert_eq!(claims.turn((EPOCH, 4), 1, NOW), Turn::Ask);
        assert_eq!(claims.turn(next_life, 1, NOW), Turn::Ask);
        assert_eq!(claims.turn(KEY, 1, NOW), Turn::Again(boarding()));
    }

    #[test]
    fn a_newer_view_is_asked_about_once() {
        let mut claims = spent(&boarding());
        assert_eq!(claims.turn(KEY, 2, NOW), Turn::Ask);
        assert_eq!(claims.turn(KEY, 2, NOW), Turn::Again(boarding()));
    }

    #[test]
    fn what_happens_to_the_admission_is_heard_at_once() {
        let mut claims = spent(&granted(NOW + 120_000));
        claims.changed(KEY, NOW);
        assert_eq!(claims.turn(KEY, 1, NOW), Turn::Ask);
    }

    #[test]
    fn who_waits_hears_at_once_that_a_slot_came_free_here() {
        let mut claims = spent(&boarding());
        claims.changed((EPOCH, 9), NOW);
        assert_eq!(claims.turn(KEY, 1, NOW), Turn::Ask);
        assert_eq!(
            claims.turn(KEY, 1, NOW),
            Turn::Again(boarding()),
            "asked once"
        );
        claims.changed((Epoch::from_bytes([2; 16]), 9), NOW + 5);
        assert_eq!(claims.turn(KEY, 1, NOW + 5), Turn::Again(boarding()));
    }

    #[test]
    fn an_admission_is_not_said_again_once_it_has_run_out() {
        let mut claims = spent(&granted(NOW + 5));
        assert!(matches!(claims.turn(KEY, 1, NOW + 4), Turn::Again(_)));
        assert_eq!(claims.turn(KEY, 1, NOW + 5), Turn::Ask);
    }

    #[test]
    fn a_refusal_ends_what_was_said_before() {
        let mut claims = spent(&boarding());
        let paused = Problem::new(Code::Paused, "Paused.");
        claims.answered(KEY, &Err(paused), 1, NOW);
        assert_eq!(claims.turn(KEY, 1, NOW), Turn::Ask);
    }
}
