//! The waiting room, `/queue/{id}`, and its forms. The forms do what the calls do, and answer with
//! a redirect to the room, so that nothing here needs script.

use std::borrow::Cow;

use url::{Url, form_urlencoded};

use super::claim::{Claimed, Held};
use crate::edge::answer::{Answer, Outcome};
use crate::edge::context::Context;
use crate::edge::cookies;
use crate::edge::lifetime::max_age_seconds;
use crate::edge::message::Message;
use crate::edge::naming::Naming;
use crate::edge::pages::Room;
use crate::edge::request::{From, Shown};
use crate::edge::router::nothing_here;
use crate::ids::{EntryKey, QueueId};
use crate::problem::{Code, Problem};
use crate::view::status::Standing;

/// How long a message waits for the page that shows it.
const MESSAGE_SECONDS: u32 = 20;

/// Answers `/queue/{id}` and its forms.
pub(in crate::edge) async fn route(context: &Context, id: &QueueId, rest: &[&str]) -> Outcome {
    match rest {
        [] => {
            context.only_reads()?;
            show(context, id).await
        }
        [""] => {
            context.only_reads()?;
            Ok(Answer::see_other(format!("/queue/{id}")))
        }
        [action @ ("enter" | "claim" | "leave")] => {
            context.only_post()?;
            let form = context.body().await?;
            take(context, id, action, &form).await
        }
        _ => Err(nothing_here().into()),
    }
}

/// Takes a form, and leads back to the room.
async fn take(context: &Context, id: &QueueId, action: &str, form: &[u8]) -> Outcome {
    if context.request.from() == From::Elsewhere {
        return Err(
            Problem::new(Code::Forbidden, "This form belongs to the room's own page.").into(),
        );
    }
    let mut cookies = Vec::new();
    let message = match acted(context, id, action, form, &mut cookies).await {
        Ok(message) => message,
        Err(problem) => match (problem.code, Message::of(problem.code)) {
            // No ticket, or one that is good no more: the room itself offers to enter.
            (Code::Unauthorized, _) => None,
            (_, Some(message)) => Some(message),
            (_, None) => return Err(problem.into()),
        },
    };
    if let Some(message) = message {
        let said = cookies::said(id);
        cookies.push(cookies::set(&said, Some(message.name()), MESSAGE_SECONDS));
    }
    let room = Answer::see_other(format!("/queue/{id}"));
    Ok(with_cookies(room, cookies))
}

/// Does what a form asks for; returns what the room says of it, and gathers the cookies that come
/// of it.
async fn acted(
    context: &Context,
    id: &QueueId,
    action: &str,
    form: &[u8],
    cookies: &mut Vec<String>,
) -> Result<Option<Message>, Problem> {
    let shown = context.request.shown(id);
    match action {
        "enter" => {
            let entered = context.enter(id, shown, &naming(form)).await?;
            let snapshot = &entered.view.snapshot;
            cookies.push(cookies::set_ticket(snapshot, &entered.token, context.now()));
            Ok(None)
        }
        "claim" => match context.claim(id, shown).await? {
            Claimed::Granted(..) => Ok(None),
            Claimed::Boarding { .. } => Ok(Some(Message::Boarding)),
        },
        _ => {
            context.leave(id, shown).await?;
            cookies.push(cookies::drop_ticket(id));
            Ok(Some(Message::Left))
        }
    }
}

/// The key that a rendered form carries, so that a form sent twice is one entry; and the identity
/// that a form of the shop's may carry.
fn naming(form: &[u8]) -> Naming {
    let field = |wanted: &str| {
        let mut fields = form_urlencoded::parse(form);
        fields
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value)
    };
    Naming {
        identity: field("identityToken").map(Cow::into_owned),
        entry_key: field("entryKey").and_then(|key| key.parse().ok()),
    }
}

/// Shows the room to its reader.
async fn show(context: &Context, id: &QueueId) -> Outcome {
    let shown = context.request.shown(id);
    let mut cookies = Vec::new();
    let said = cookies::said(id);
    let mut message = context.request.cookie_named(&said).and_then(|name| {
        cookies.push(cookies::set(&said, None, 0));
        Message::from_name(name)
    });
    let (view, status) = match context.status(id, shown).await {
        Ok(found) => found,
        // A ticket that is good no more must not keep its holder out of the room.
        Err(problem) if problem.code.status() == 401 => {
            cookies.push(cookies::drop_ticket(id));
            message = message.or(Message::of(problem.code));
            context.status(id, Shown::Nothing).await?
        }
        Err(problem) => return Err(problem.into()),
    };
    if let Some(renewed) = &status.ticket {
        cookies.push(cookies::set_ticket(&view.snapshot, renewed, context.now()));
    }
    let kept = context.request.cookie_named(&cookies::entry_key(id));
    let known: Option<EntryKey> = kept.and_then(|text| text.parse().ok());
    let entry_key = match known {
        Some(key) => key,
        None => EntryKey::from_bytes(context.isolate.bytes()?),
    };
    if known.is_some() || status.standing == Standing::NotQueued {
        // The page may be gone before its form is answered: the next one enters by the same key.
        let age = max_age_seconds(&view.snapshot, context.now());
        let value = entry_key.to_string();
        cookies.push(cookies::set(&cookies::entry_key(id), Some(&value), age));
    }
    let mut held = None;
    if matches!(
        status.standing,
        Standing::Ready { .. } | Standing::Lapsed { .. }
    ) {
        match context.look(id, shown).await {
            Ok(Held::Claimed(Claimed::Granted(grant, token))) => held = Some((grant, token)),
            Ok(Held::Claimed(Claimed::Boarding { .. })) => {
                message = message.or(Some(Message::Boarding));
            }
            Ok(Held::Lapsed) => message = Some(Message::Lapsed),
            Ok(Held::Nothing) => {}
            Err(problem) => message = message.or(Message::of(problem.code)),
        }
    }
    let room = Room {
        view,
        status,
        message,
        held,
        entry_key,
    };
    Ok(with_cookies(page(context, &room)?, cookies))
}

fn page(context: &Context, room: &Room) -> Result<Answer, Problem> {
    let pages = &context.isolate.pages;
    let html = pages
        .room(room)
        .ok_or_else(|| Problem::new(Code::InternalError, "The room could not be drawn."))?;
    // Where a form on this page leads: what was granted may be older than the configuration.
    let checkout_url = match &room.held {
        Some((grant, _)) => &grant.checkout_url,
        None => &room.view.snapshot.checkout_url,
    };
    let checkout = Url::parse(checkout_url).ok();
    let checkout = checkout.map(|url| url.origin().ascii_serialization());
    Ok(Answer::page(200, html, pages.policy(checkout.as_deref())))
}

fn with_cookies(mut answer: Answer, cookies: Vec<String>) -> Answer {
    for cookie in cookies {
        answer.headers.push(("set-cookie", cookie.into()));
    }
    answer
}
