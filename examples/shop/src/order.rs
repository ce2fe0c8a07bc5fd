//! From session to a paid order: show, extend, pay, cancel.

use core::time::Duration;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::SET_COOKIE;
use axum::response::{AppendHeaders, IntoResponse, Response};
use tidegate_origin::EdgeError;

use crate::messages::{self, Message};
use crate::pages::{Frame, PRODUCT, Product, Until, personal, see_other};
use crate::payment::Cents;
use crate::sessions::{Order, Progress, SessionId, SharedOrder};
use crate::visit::{Sender, Visit, no_session_cookie};
use crate::{Shop, now};

#[derive(Template)]
#[template(path = "order.html")]
struct OrderPage<'a> {
    frame: &'a Frame,
    product: &'a Product,
    held: Until,
}

#[derive(Template)]
#[template(path = "paid.html")]
struct PaidPage<'a> {
    frame: &'a Frame,
    product: &'a Product,
    order: &'a str,
    amount: Cents,
}

/// `GET /checkout`: the order, with the time until when it is held.
pub async fn show(State(shop): State<Shop>, visit: Visit) -> Response {
    let Some((_, order)) = find(&shop, &visit) else {
        return messages::line_first().answer(&shop, &visit);
    };
    let order = order.lock().await;
    match order.progress {
        Progress::Held if order.held_until > now() => {
            let held = Until::new(order.held_until, now());
            let frame = shop.storefront().frame();
            personal(
                StatusCode::OK,
                &OrderPage {
                    frame,
                    product: &PRODUCT,
                    held,
                },
            )
        }
        Progress::Held | Progress::Over => messages::place_over().answer(&shop, &visit),
        Progress::Captured(_) => messages::pay_again(Duration::ZERO).answer(&shop, &visit),
        Progress::Paid(_) => see_other(&order_path(&order)),
    }
}

/// `POST /checkout/pay`: holds the place, takes the money, says so to the edge. A second try is the
/// same order.
pub async fn pay(State(shop): State<Shop>, visit: Visit) -> Response {
    act(&shop, &visit, |shop, session, order| async move {
        let mut order = order.lock().await;
        settle(&shop, session, &mut order).await?;
        Ok(see_other(&order_path(&order)))
    })
    .await
}

/// `POST /checkout/extend`: more time for who needs it, as far as the queue allows.
pub async fn extend(State(shop): State<Shop>, visit: Visit) -> Response {
    act(&shop, &visit, |shop, session, order| async move {
        let mut order = order.lock().await;
        if matches!(order.progress, Progress::Held) {
            let held = hold(&shop, session, &mut order).await;
            held.map_err(|error| failed(&mut order, &error, messages::extend_again))?;
        }
        Ok(see_other("/checkout"))
    })
    .await
}

/// `POST /checkout/cancel`: gives the place to the next in line.
pub async fn cancel(State(shop): State<Shop>, visit: Visit) -> Response {
    act(&shop, &visit, |shop, session, order| async move {
        let mut order = order.lock().await;
        match order.progress {
            Progress::Captured(_) | Progress::Paid(_) => return Ok(see_other("/checkout")),
            Progress::Over => {}
            Progress::Held => {
                order.progress = Progress::Over;
                // Where the edge is not told, the place ends by itself.
                if let Err(error) = shop.edge().release(&order.admission).await {
                    eprintln!("shop: releasing {}: {error}", order.admission.id());
                }
            }
        }
        shop.sessions().close(session);
        let cookie = no_session_cookie(shop.settings().is_https());
        Ok((
            AppendHeaders([(SET_COOKIE, cookie)]),
            see_other(PRODUCT.path),
        )
            .into_response())
    })
    .await
}

/// `GET /orders/{id}`: the paid order, for the session that paid it.
pub async fn paid(State(shop): State<Shop>, Path(id): Path<String>, visit: Visit) -> Response {
    if let Some((_, order)) = find(&shop, &visit) {
        let order = order.lock().await;
        if let Progress::Paid(receipt) = &order.progress
            && order.id == id
        {
            let frame = shop.storefront().frame();
            let amount = receipt.amount();
            let page = PaidPage {
                frame,
                product: &PRODUCT,
                order: &order.id,
                amount,
            };
            return personal(StatusCode::OK, &page);
        }
    }
    messages::not_found().answer(&shop, &visit)
}

fn find(shop: &Shop, visit: &Visit) -> Option<(SessionId, SharedOrder)> {
    let id = visit.session?;
    Some((id, shop.sessions().find(id, now())?))
}

/// Runs a step that changes the order of the visitor's session, if the shop's own page asks for it.
async fn act<F>(
    shop: &Shop,
    visit: &Visit,
    step: impl FnOnce(Shop, SessionId, SharedOrder) -> F,
) -> Response
where
    F: Future<Output = Result<Response, Message>> + Send + 'static,
{
    if visit.sender != Sender::Here {
        return messages::from_elsewhere().answer(shop, visit);
    }
    let Some((session, order)) = find(shop, visit) else {
        return messages::line_first().answer(shop, visit);
    };
    // In a task of its own: a shopper who closes the page must not stop a payment half-way.
    let outcome = tokio::spawn(step(shop.clone(), session, order)).await;
    match outcome.unwrap_or_else(|_| Err(messages::out_of_order())) {
        Ok(response) => response,
        Err(message) => message.answer(shop, visit),
    }
}

/// Takes an order from wherever it is to paid.
async fn settle(shop: &Shop, session: SessionId, order: &mut Order) -> Result<(), Message> {
    if matches!(order.progress, Progress::Held) {
        // First the place, so that it cannot end while the money is on its way.
        let held = hold(shop, session, order).await;
        held.map_err(|error| failed(order, &error, messages::pay_again))?;
        order.progress = Progress::Captured(shop.till().capture(PRODUCT.total()));
    }
    match core::mem::replace(&mut order.progress, Progress::Over) {
        Progress::Captured(receipt) => match shop.edge().complete(&order.admission).await {
            Ok(_) => order.progress = Progress::Paid(receipt),
            Err(error) => {
                if error.is_retryable() {
                    order.progress = Progress::Captured(receipt);
                } else {
                    shop.till().refund(receipt);
                }
                return Err(failed(order, &error, messages::pay_again));
            }
        },
        paid @ Progress::Paid(_) => order.progress = paid,
        Progress::Held | Progress::Over => return Err(messages::place_over()),
    }
    Ok(())
}

/// Holds the place for longer.
async fn hold(shop: &Shop, session: SessionId, order: &mut Order) -> Result<(), EdgeError> {
    let reply = shop.edge().extend(&order.admission).await?;
    order.held_until = reply.expires_at.unwrap_or(order.held_until);
    shop.sessions().keep(session, order.held_until);
    Ok(())
}

/// What to tell the shopper when the edge did not do its part; `again` is for when it may yet.
fn failed(order: &mut Order, error: &EdgeError, again: fn(Duration) -> Message) -> Message {
    eprintln!("shop: admission {}: {error}", order.admission.id());
    match error {
        EdgeError::Unavailable { retry_after, .. } => again(*retry_after),
        EdgeError::AdmissionExpired(_) | EdgeError::SoldOut => {
            order.progress = Progress::Over;
            messages::place_over()
        }
        _ => messages::out_of_order(),
    }
}

fn order_path(order: &Order) -> String {
    format!("/orders/{}", order.id)
}
