//! The extractors: where a token may come from, and how a request without a good one is answered.

use axum::Router;
use axum::extract::FromRef;
use axum::routing::post;
use reqwest::{Client, RequestBuilder};
use tidegate_origin::{HandoffRejection, VerifiedHandoff, Verifier};

use crate::stand_in::{ISSUER, StandIn, keys, nowhere, queue, serve, token};

#[derive(Clone, FromRef)]
struct Shop {
    verifier: Verifier,
}

/// A checkout whose verifier knows the keys of the edge at `edge_url`.
async fn checkout(edge_url: &str) -> String {
    let verifier = Verifier::builder(edge_url, queue())
        .issuer(ISSUER)
        .build()
        .unwrap();
    let plain = |arrival: VerifiedHandoff| async move { arrival.handoff.position.to_string() };
    let page = |arrival: Result<VerifiedHandoff, HandoffRejection>| async move {
        arrival.map_or_else(
            |rejection| format!("{rejection:?}"),
            |_| String::from("welcome"),
        )
    };
    let router = Router::new()
        .route("/", post(plain))
        .route("/page", post(page));
    serve(router.with_state(Shop { verifier })).await
}

async fn answer(request: RequestBuilder) -> (u16, String) {
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

fn form(url: &str, body: String) -> RequestBuilder {
    let content_type = "application/x-www-form-urlencoded; charset=UTF-8";
    Client::new()
        .post(url)
        .header("content-type", content_type)
        .body(body)
}

#[tokio::test]
async fn a_token_comes_as_bearer_or_as_form_field() {
    let good = token(&keys(&["h1"]));
    let url = checkout(&StandIn::publishing(&keys(&["h1"])).await.url).await;
    for scheme in ["Bearer", "bearer"] {
        let request = Client::new()
            .post(&url)
            .header("authorization", format!("{scheme} {good}"));
        assert_eq!(answer(request).await, (200, String::from("7")));
    }
    let posted = form(&url, format!("gift=1&handoffToken={good}"));
    assert_eq!(answer(posted).await, (200, String::from("7")));
    let posted = form(&url, format!("handoffToken={good}")).header("authorization", "Basic eDp5");
    assert_eq!(answer(posted).await, (200, String::from("7")));
}

#[tokio::test]
async fn a_token_in_the_url_is_refused_and_told_why() {
    let good = token(&keys(&["h1"]));
    let url = checkout(&StandIn::publishing(&keys(&["h1"])).await.url).await;
    for query in ["handoffToken", "HandoffToken", "x=1&handoff%54oken"] {
        let in_url = format!("{url}/?{query}={good}");
        for request in [
            Client::new().post(&in_url),
            Client::new().post(&in_url).bearer_auth(&good),
        ] {
            let (status, text) = answer(request).await;
            assert_eq!(status, 401);
            assert!(text.contains("never goes in a URL"), "{text}");
        }
    }
}

#[tokio::test]
async fn a_request_without_a_good_token_gets_401() {
    let url = checkout(&StandIn::publishing(&keys(&["h1"])).await.url).await;
    let good = token(&keys(&["h1"]));
    let bad = [
        Client::new().post(&url),
        Client::new().post(&url).bearer_auth(""),
        Client::new().post(&url).bearer_auth("a.b.c"),
        Client::new().post(&url).bearer_auth(token(&keys(&["x2"]))),
        // A page of another site can send such a body without asking first.
        Client::new()
            .post(&url)
            .header("content-type", "text/plain")
            .body(format!("handoffToken={good}")),
        form(&url, String::from("handoffToken=")),
        form(&url, format!("handoffToken={good}&handoffToken={good}")),
    ];
    for request in bad {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 401);
        assert_eq!(response.headers()["www-authenticate"], "Bearer");
        assert_eq!(response.headers()["cache-control"], "no-store");
    }
}

#[tokio::test]
async fn a_form_is_read_up_to_16_kib() {
    let url = checkout(&StandIn::publishing(&keys(&["h1"])).await.url).await;
    let good = token(&keys(&["h1"]));
    let sized = |size: usize| {
        let fields = format!("handoffToken={good}&x=");
        let padding = "x".repeat(size - fields.len());
        form(&url, fields + &padding)
    };
    assert_eq!(answer(sized(16 * 1024)).await.0, 200);
    assert_eq!(answer(sized(16 * 1024 + 1)).await.0, 413);
}

#[tokio::test]
async fn keys_out_of_reach_are_not_the_shoppers_fault() {
    let url = checkout(&nowhere().await).await;
    let request = Client::new().post(&url).bearer_auth(token(&keys(&["h1"])));
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 503);
    assert!(response.headers().contains_key("retry-after"));
}

#[tokio::test]
async fn a_handler_may_answer_a_rejection_itself() {
    let url = checkout(&StandIn::publishing(&keys(&["h1"])).await.url).await + "/page";
    assert_eq!(
        answer(Client::new().post(&url)).await,
        (200, String::from("Missing"))
    );
    let welcome = Client::new().post(&url).bearer_auth(token(&keys(&["h1"])));
    assert_eq!(answer(welcome).await, (200, String::from("welcome")));
}
