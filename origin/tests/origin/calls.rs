//! Calls to the edge: what is sent, what comes of the replies, and when a call is repeated.

use core::time::Duration;
use std::time::Instant;

use axum::response::Response;
use serde_json::{Value, json};
use tidegate_core::queue::claim::{AdmissionReport, ClaimState};
use tidegate_origin::{
    Admission, AdmissionState, ConfigError, Edge, EdgeError, IdempotencyKey, State,
};

use crate::stand_in::{StandIn, broken_reply, nowhere, problem, queue, reply};

const ID: &str = "01010101010101010101010101010101-6";

fn redeemed() -> Value {
    json!({
        "admissionId": ID,
        "queueId": "demo",
        "subject": "02020202020202020202020202020202",
        "position": 7,
        "expiresAt": 1_800_000_600_000_u64,
        "later": "fields are tolerated",
    })
}

fn admission() -> Admission {
    serde_json::from_value(redeemed()).unwrap()
}

fn state(state: &str) -> Response {
    reply(
        200,
        &json!({"admissionId": ID, "queueId": "demo", "state": state, "expiresAt": null}),
    )
}

fn edge(stand_in: &StandIn) -> Edge {
    Edge::new(&stand_in.url, "secret-origin-key").unwrap()
}

#[tokio::test]
async fn redeeming_sends_key_and_token_and_gives_the_admission() {
    let stand_in = StandIn::replying([reply(200, &redeemed())]).await;
    let admission = edge(&stand_in)
        .redeem(&queue(), "a.b.c", None)
        .await
        .unwrap();
    assert_eq!(admission.id().to_string(), ID);
    assert_eq!(admission.queue().as_str(), "demo");
    assert_eq!(
        (admission.position(), admission.expires_at()),
        (7, 1_800_000_600_000)
    );
    let [request] = &stand_in.seen()[..] else {
        panic!("one request")
    };
    assert_eq!(request.path, "/v1/handoffs/redeem");
    assert_eq!(request.header("authorization"), "Bearer secret-origin-key");
    assert_eq!(
        request.json(),
        json!({"handoffToken": "a.b.c", "queueId": "demo"})
    );
    assert!(request.header("idempotency-key").len() >= 32);
}

/// Whatever an edge makes of `queueId`: nobody holds an admission of another queue.
#[tokio::test]
async fn an_admission_of_another_queue_is_none() {
    let stand_in = StandIn::replying([reply(200, &redeemed())]).await;
    let other = "other".parse().unwrap();
    let refused = edge(&stand_in).redeem(&other, "a.b.c", None).await;
    assert!(
        matches!(refused, Err(EdgeError::Unexpected { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_lost_reply_is_asked_for_again_under_the_same_key() {
    let stand_in = StandIn::replying([broken_reply(), reply(200, &redeemed())]).await;
    assert!(
        edge(&stand_in)
            .redeem(&queue(), "a.b.c", None)
            .await
            .is_ok()
    );
    let [first, second] = &stand_in.seen()[..] else {
        panic!("two requests")
    };
    assert_eq!(
        first.header("idempotency-key"),
        second.header("idempotency-key")
    );
}

#[tokio::test]
async fn a_callers_own_idempotency_key_is_used() {
    let stand_in = StandIn::replying([reply(200, &redeemed())]).await;
    let key: IdempotencyKey = "order-17".parse().unwrap();
    assert!(
        edge(&stand_in)
            .redeem(&queue(), "a.b.c", Some(&key))
            .await
            .is_ok()
    );
    assert_eq!(stand_in.seen()[0].header("idempotency-key"), "order-17");
}

#[tokio::test]
async fn separate_redemptions_have_separate_keys() {
    let stand_in =
        StandIn::replying([reply(200, &redeemed()), problem(409, "ALREADY_REDEEMED")]).await;
    let edge = edge(&stand_in);
    assert!(edge.redeem(&queue(), "a.b.c", None).await.is_ok());
    assert_eq!(
        edge.redeem(&queue(), "a.b.c", None).await,
        Err(EdgeError::AlreadyRedeemed)
    );
    let seen = stand_in.seen();
    assert_ne!(
        seen[0].header("idempotency-key"),
        seen[1].header("idempotency-key")
    );
}

#[tokio::test]
async fn each_call_about_an_admission_has_its_path() {
    let stand_in =
        StandIn::replying([state("redeemed"), state("completed"), state("released")]).await;
    let (edge, admission) = (edge(&stand_in), admission());
    assert_eq!(
        edge.extend(&admission).await.unwrap().state,
        State::Redeemed
    );
    assert_eq!(
        edge.complete(&admission).await.unwrap().state,
        State::Completed
    );
    assert_eq!(
        edge.release(&admission).await.unwrap().state,
        State::Released
    );
    let paths: Vec<_> = stand_in
        .seen()
        .into_iter()
        .map(|request| request.path)
        .collect();
    let path = |verb| format!("/v1/queues/demo/admissions/{ID}/{verb}");
    assert_eq!(paths, [path("extend"), path("complete"), path("release")]);
}

#[tokio::test]
async fn ok_means_that_what_was_asked_for_holds() {
    let stand_in = StandIn::replying(
        [
            "expired",
            "released",
            "redeemed",
            "expired",
            "left",
            "completed",
            "expired",
            "completed",
        ]
        .map(state),
    )
    .await;
    let (edge, admission) = (edge(&stand_in), admission());
    let over = |result| matches!(result, Err(EdgeError::AdmissionExpired(_)));
    let used_up = |result| matches!(result, Err(EdgeError::Conflict(_)));
    assert!(over(edge.complete(&admission).await));
    assert!(over(edge.complete(&admission).await));
    let still_held = edge.complete(&admission).await;
    assert!(matches!(still_held, Err(EdgeError::Unexpected { .. })));
    for what in ["expired", "given up"] {
        assert!(
            edge.release(&admission).await.is_ok(),
            "a place {what} is free"
        );
    }
    assert!(used_up(edge.release(&admission).await));
    assert!(over(edge.extend(&admission).await));
    assert!(used_up(edge.extend(&admission).await));
}

/// The edge's own type for replies, so that the two sides cannot drift apart.
#[test]
fn what_the_edge_reports_is_understood() {
    let states = [
        (ClaimState::Redeemed, State::Redeemed),
        (ClaimState::Completed, State::Completed),
        (ClaimState::Released, State::Released),
        (ClaimState::Expired, State::Expired),
        (ClaimState::Left, State::Left),
    ];
    for (reported, understood) in states {
        let report = AdmissionReport {
            admission_id: ID.parse().unwrap(),
            queue_id: "demo".parse().unwrap(),
            subject: "02020202020202020202020202020202".parse().unwrap(),
            position: 7,
            state: reported,
            admitted_at: Some(1),
            redeemed_at: Some(2),
            expires_at: Some(1_800_000_600_000),
        };
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(
            serde_json::from_value::<Admission>(json.clone()).unwrap(),
            admission()
        );
        let state: AdmissionState = serde_json::from_value(json).unwrap();
        assert_eq!(
            (state.state, state.expires_at),
            (understood, report.expires_at)
        );
    }
}

#[tokio::test]
async fn a_reply_about_another_admission_is_not_believed() {
    let other = json!({"admissionId": "01010101010101010101010101010101-7", "queueId": "demo", "state": "completed"});
    let stand_in = StandIn::replying([reply(200, &other)]).await;
    let result = edge(&stand_in).complete(&admission()).await;
    assert!(
        matches!(result, Err(EdgeError::Unexpected { .. })),
        "{result:?}"
    );
}

#[tokio::test]
async fn refusals_are_told_apart_and_not_repeated() {
    let why = || String::from("why");
    let table = [
        (400, "VALIDATION_ERROR", EdgeError::InvalidRequest(why())),
        (401, "UNAUTHORIZED", EdgeError::Unauthorized(why())),
        (401, "TICKET_VOID", EdgeError::AdmissionExpired(why())),
        (403, "FORBIDDEN", EdgeError::Forbidden(why())),
        (404, "QUEUE_NOT_FOUND", EdgeError::NotFound(why())),
        (404, "NOT_FOUND", EdgeError::NotFound(why())),
        (409, "ALREADY_REDEEMED", EdgeError::AlreadyRedeemed),
        (409, "CONFLICT", EdgeError::Conflict(why())),
        (410, "ADMISSION_EXPIRED", EdgeError::AdmissionExpired(why())),
        (410, "SOLD_OUT", EdgeError::SoldOut),
        (
            410,
            "OF_A_LATER_VERSION",
            EdgeError::AdmissionExpired(why()),
        ),
        (
            418,
            "TEAPOT",
            EdgeError::Unexpected {
                status: 418,
                cause: why(),
            },
        ),
    ];
    for (status, code, error) in table {
        let stand_in = StandIn::replying([problem(status, code)]).await;
        assert!(!error.is_retryable());
        assert_eq!(
            edge(&stand_in).redeem(&queue(), "a.b.c", None).await,
            Err(error),
            "{code}"
        );
        assert_eq!(stand_in.seen().len(), 1);
    }
}

#[tokio::test]
async fn a_503_is_tried_again_no_sooner_than_it_asks() {
    let mut busy = problem(503, "SERVICE_UNAVAILABLE");
    busy.headers_mut()
        .insert("retry-after", "1".parse().unwrap());
    let stand_in = StandIn::replying([busy, state("completed")]).await;
    assert!(edge(&stand_in).complete(&admission()).await.is_ok());
    let seen = stand_in.seen();
    assert!(seen[1].at - seen[0].at >= Duration::from_secs(1));
}

#[tokio::test]
async fn tries_are_counted_and_the_last_error_is_told() {
    let stand_in = StandIn::replying([503, 503, 503].map(|status| problem(status, ""))).await;
    let result = edge(&stand_in).complete(&admission()).await;
    assert!(result.is_err_and(|error| error.is_retryable()));
    assert_eq!(stand_in.seen().len(), 3);
}

#[tokio::test]
async fn a_long_wait_is_left_to_the_caller() {
    let busy = json!({"code": "SERVICE_UNAVAILABLE", "detail": "why", "retryAfterSeconds": 60});
    let stand_in = StandIn::replying([reply(503, &busy)]).await;
    let begun = Instant::now();
    let result = edge(&stand_in).complete(&admission()).await;
    let retry_after = Duration::from_mins(1);
    assert_eq!(
        result,
        Err(EdgeError::Unavailable {
            retry_after,
            cause: String::from("why")
        })
    );
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn an_edge_out_of_reach_is_given_up() {
    let edge = Edge::builder(&nowhere().await, "key")
        .tries(2)
        .build()
        .unwrap();
    let result = edge.redeem(&queue(), "a.b.c", None).await;
    assert!(result.is_err_and(|error| error.is_retryable()));
}

#[tokio::test]
async fn nothing_but_the_edge_is_believed() {
    let mut redirect = problem(307, "");
    redirect
        .headers_mut()
        .insert("location", "/elsewhere".parse().unwrap());
    let page = reply(200, &json!("<html>"));
    let huge = reply(200, &json!("x".repeat(70_000)));
    for strange in [redirect, page, huge] {
        let stand_in = StandIn::replying([strange]).await;
        let result = edge(&stand_in).redeem(&queue(), "a.b.c", None).await;
        assert!(
            matches!(result, Err(EdgeError::Unexpected { .. })),
            "{result:?}"
        );
        assert_eq!(stand_in.seen().len(), 1);
    }
}

#[tokio::test]
async fn an_admission_survives_a_session_store() {
    let stored = serde_json::to_string(&admission()).unwrap();
    assert_eq!(
        serde_json::from_str::<Admission>(&stored).unwrap(),
        admission()
    );
}

#[test]
fn the_origin_key_is_neither_empty_nor_shown() {
    let built = |key| Edge::new("https://edge.example", key);
    assert_eq!(built("").map(|_| ()), Err(ConfigError::InvalidOriginKey));
    assert_eq!(
        built("a\nb").map(|_| ()),
        Err(ConfigError::InvalidOriginKey)
    );
    assert!(!format!("{:?}", built("hush").unwrap()).contains("hush"));
}
