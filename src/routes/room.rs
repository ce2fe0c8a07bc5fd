//! The waiting room, `/queue/{id}`, and its forms. The forms do what the calls do, and answer with a
//! redirect to the room, so that nothing here needs script.

use std::borrow::Cow;

use tidegate_core::edge::cookies::{self, said};
use tidegate_core::edge::lifetime::max_age_seconds;
use tidegate_core::edge::naming::Naming;
use tidegate_core::ids::{EntryKey, QueueId};
use tidegate_core::problem::{Code, Problem};
use tidegate_core::queue::event::Grant;
use tidegate_core::view::snapshot::EdgeView;
use tidegate_core::view::status::{Standing, Status};
use tidegate_pages::{Granted, Message, RoomPage};
use url::{Url, form_urlencoded};
use worker::{Request, Response, ResponseBuilder};

use crate::answer::{Answered, private_page, see_other};
use crate::body;
use crate::credentials::{self, Shown};
use crate::paths::{get, nothing_here, post};
use crate::random;
use crate::routes::claiming::{self, Claimed, Held};
use crate::routes::shoppers;
use crate::site::Site;

/// How long a message waits for the page that shows it.
const MESSAGE_SECONDS: u32 = 20;

/// Answers `/queue/{id}` and its forms.
pub async fn route(site: &Site, mut request: Request, id: &QueueId, rest: &[&str]) -> Answered {
    match rest {
        [] => {
            get(site)?;
            show(site, id).await
        }
        [""] => {
            get(site)?;
            see_other(&format!("/queue/{id}"))
        }
        [action] => {
            let action = Action::read(action).ok_or_else(nothing_here)?;
            post(site)?;
            let form = body::bytes(&mut request).await?;
            take(site, id, action, &form).await
        }
        _ => Err(nothing_here()),
    }
}

/// What the room's pages load.
pub fn asset(path: &str) -> Answered {
    let asset = tidegate_pages::asset(path).ok_or_else(nothing_here)?;
    let response = ResponseBuilder::new()
        .with_header("content-type", asset.content_type)?
        .with_header("cache-control", asset.cache_control)?;
    Ok(response.fixed(asset.body.as_bytes().to_vec()))
}

#[derive(Clone, Copy)]
enum Action {
    Enter,
    Claim,
    Leave,
}

impl Action {
    fn read(name: &str) -> Option<Self> {
        match name {
            "enter" => Some(Self::Enter),
            "claim" => Some(Self::Claim),
            "leave" => Some(Self::Leave),
            _ => None,
        }
    }
}

/// Takes a form, and leads back to the room.
async fn take(site: &Site, id: &QueueId, action: Action, form: &[u8]) -> Answered {
    if credentials::from(site) == credentials::From::Elsewhere {
        return Err(
            Problem::new(Code::Forbidden, "This form belongs to the room's own page.").into(),
        );
    }
    let shown = credentials::shown(site, id);
    let mut cookies = Vec::new();
    let outcome = match action {
        Action::Enter => shoppers::enter(site, id, &shown, &naming(form))
            .await
            .map(|entered| {
                let snapshot = &entered.view.snapshot;
                cookies.push(credentials::set_ticket(snapshot, &entered.token, site.now));
                None
            }),
        Action::Claim => claiming::claim(site, id, &shown)
            .await
            .map(|claimed| match claimed {
                Claimed::Granted(..) => None,
                Claimed::Boarding { .. } => Some(Message::Boarding),
            }),
        Action::Leave => shoppers::leave(site, id, &shown).await.map(|()| {
            cookies.push(credentials::drop_ticket(id));
            Some(Message::Left)
        }),
    };
    let message = match outcome {
        Ok(message) => message,
        Err(problem) => match (problem.code, Message::of(problem.code)) {
            // No ticket, or one that is good no more: the room itself offers to enter.
            (Code::Unauthorized, _) => None,
            (_, Some(message)) => Some(message),
            (_, None) => return Err(problem.into()),
        },
    };
    if let Some(message) = message {
        cookies.push(credentials::set_cookie(
            &said(id),
            Some(message.name()),
            MESSAGE_SECONDS,
        ));
    }
    let response = see_other(&format!("/queue/{id}"))?;
    for cookie in cookies {
        response.headers().append("set-cookie", &cookie)?;
    }
    Ok(response)
}

/// The key that a rendered form carries, so that a form sent twice is one entry; and the identity that
/// a form of the shop's may carry.
fn naming(form: &[u8]) -> Naming {
    let field = |wanted: &str| {
        form_urlencoded::parse(form)
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value)
    };
    Naming {
        identity: field("identityToken").map(Cow::into_owned),
        entry_key: field("entryKey").and_then(|key| key.parse().ok()),
    }
}

/// Renders the room for whoever looks.
async fn show(site: &Site, id: &QueueId) -> Answered {
    let shown = credentials::shown(site, id);
    let mut cookies = Vec::new();
    let mut message = credentials::cookie(site, &said(id)).and_then(|name| {
        cookies.push(credentials::set_cookie(&said(id), None, 0));
        Message::from_name(&name)
    });
    let (view, status) = match shoppers::status(site, id, &shown).await {
        Ok(found) => found,
        // A ticket that is good no more must not keep its holder out of the room.
        Err(problem) if problem.code.status() == 401 => {
            cookies.push(credentials::drop_ticket(id));
            message = message.or(Message::of(problem.code));
            shoppers::status(site, id, &Shown::Nothing).await?
        }
        Err(problem) => return Err(problem.into()),
    };
    if let Some(renewed) = &status.ticket {
        cookies.push(credentials::set_ticket(&view.snapshot, renewed, site.now));
    }
    let entry_key = entry_key(site, id)?;
    if entry_key.is_known || status.standing == Standing::NotQueued {
        // The page may be gone before its form is answered: the next one enters by the same key.
        let age = max_age_seconds(&view.snapshot, site.now);
        let value = entry_key.value.to_string();
        cookies.push(credentials::set_cookie(
            &cookies::entry_key(id),
            Some(&value),
            age,
        ));
    }
    let mut held = None;
    let may_hold = matches!(
        status.standing,
        Standing::Ready { .. } | Standing::Lapsed { .. }
    );
    if may_hold {
        match claiming::look(site, id, &shown).await {
            Ok(Held::Claimed(Claimed::Granted(grant, token))) => held = Some((grant, token)),
            Ok(Held::Claimed(Claimed::Boarding { .. })) => {
                message = message.or(Some(Message::Boarding));
            }
            Ok(Held::Lapsed) => message = Some(Message::Lapsed),
            Ok(Held::Nothing) => {}
            Err(problem) => message = message.or(Message::of(problem.code)),
        }
    }
    let mut response = render(&view, &status, message, held.as_ref(), entry_key.value)?;
    for cookie in cookies {
        response = with_cookie(response, &cookie)?;
    }
    Ok(response)
}

/// The key that a room's form enters with.
struct FormKey {
    value: EntryKey,
    /// This browser has it already.
    is_known: bool,
}

fn entry_key(site: &Site, id: &QueueId) -> Result<FormKey, Problem> {
    let kept = credentials::cookie(site, &cookies::entry_key(id));
    let known = kept.and_then(|text| text.parse().ok());
    Ok(FormKey {
        value: match known {
            Some(key) => key,
            None => EntryKey::from_bytes(random::bytes()?),
        },
        is_known: known.is_some(),
    })
}

fn render(
    view: &EdgeView,
    status: &Status,
    message: Option<Message>,
    held: Option<&(Grant, String)>,
    entry_key: EntryKey,
) -> Answered {
    let page = RoomPage {
        snapshot: &view.snapshot,
        product: view.product.as_ref(),
        status,
        granted: held.map(|(grant, token)| Granted {
            handoff_token: token,
            checkout_url: &grant.checkout_url,
            expires_at: grant.expires_at,
        }),
        message,
        entry_key: Some(entry_key),
    };
    let html = page
        .render()
        .map_err(|error| worker::Error::from(error.to_string()))?;
    // Where a form on this page leads: what was granted may be older than the configuration.
    let checkout_url = held.map_or(&view.snapshot.checkout_url, |(grant, _)| {
        &grant.checkout_url
    });
    let checkout = Url::parse(checkout_url).ok();
    let checkout_origin = checkout.map(|url| url.origin().ascii_serialization());
    private_page(html, 200, checkout_origin.as_deref())
}

/// The response with one more cookie.
fn with_cookie(response: Response, cookie: &str) -> Answered {
    response.headers().append("set-cookie", cookie)?;
    Ok(response)
}
