//! From token to session.

use serde_json::Value;

use crate::browser::Scene;
use crate::stand_in_edge::StandInEdge;

#[tokio::test]
async fn a_token_in_a_form_opens_a_session() {
    let mut scene = Scene::set().await;
    let arrived = scene.browser.arrive(&scene.edge.token(0)).await;
    assert_eq!(
        (arrived.status, arrived.header("location")),
        (303, "/checkout")
    );
    arrived.assert_personal();
    let cookie = arrived.header("set-cookie");
    assert!(cookie.starts_with("shop-session="), "{cookie}");
    assert!(cookie.contains("; HttpOnly; SameSite=Lax"), "{cookie}");
    assert_eq!(scene.browser.get("/checkout").await.status, 200);
}

#[tokio::test]
async fn a_token_by_script_opens_a_session() {
    let mut scene = Scene::set().await;
    let arrived = scene.browser.arrive_by_script(&scene.edge.token(0)).await;
    assert_eq!(arrived.status, 200);
    assert_eq!(arrived.text, r#"{"checkoutUrl":"/checkout"}"#);
    arrived.assert_personal();
    assert_eq!(scene.browser.get("/checkout").await.status, 200);
}

#[tokio::test]
async fn without_a_session_the_checkout_shows_the_way_to_the_room() {
    let scene = Scene::set().await;
    for answer in [
        scene.browser.get("/checkout").await,
        scene.browser.post("/checkout").await,
    ] {
        assert_eq!(answer.status, 401);
        assert!(
            answer.text.contains(r#"href="/queue/demo""#),
            "{}",
            answer.text
        );
        answer.assert_personal();
    }
}

#[tokio::test]
async fn a_replayed_token_opens_no_other_session() {
    let mut scene = Scene::set().await;
    let token = scene.edge.token(0);
    assert_eq!(scene.browser.arrive(&token).await.status, 303);
    let mut thief = scene.another_browser();
    let refused = thief.arrive(&token).await;
    assert_eq!((refused.status, thief.cookie), (401, None));
    assert!(refused.text.contains("used already"), "{}", refused.text);
    let refused = scene.another_browser().arrive_by_script(&token).await;
    let body: Value = serde_json::from_str(&refused.text).unwrap();
    assert_eq!(
        (refused.status, &body["code"]),
        (401, &Value::from("TOKEN_USED"))
    );
    assert_eq!(body["queueUrl"], "/queue/demo");
}

#[tokio::test]
async fn the_browser_that_used_a_token_goes_on_to_its_order() {
    let mut scene = Scene::set().await;
    let token = scene.edge.token(0);
    for _ in 0..2 {
        assert_eq!(
            scene.browser.arrive(&token).await.header("location"),
            "/checkout"
        );
    }
    assert_eq!(scene.edge.calls(), ["redeem"]);
}

#[tokio::test]
async fn a_token_in_the_url_is_refused_before_anything_is_asked() {
    let scene = Scene::set().await;
    let path = format!("/checkout?handoffToken={}", scene.edge.token(0));
    let refused = scene.browser.post(&path).await;
    assert_eq!(refused.status, 401);
    assert!(
        refused.text.contains("never part of a link"),
        "{}",
        refused.text
    );
    assert_eq!(scene.browser.get(&path).await.status, 401);
    assert!(scene.edge.calls().is_empty());
}

#[tokio::test]
async fn tokens_that_are_not_good_here_are_refused_before_anything_is_asked() {
    let mut scene = Scene::set().await;
    let good = scene.edge.token(0);
    let bad = [
        String::from("a.b.c"),
        good.replacen("eyJ", "eyK", 1),
        scene
            .edge
            .token_with(0, |handoff| handoff.queue = "other".parse().unwrap()),
        scene.edge.token_with(0, |handoff| {
            handoff.issued_at -= 600_000;
            handoff.expires_at -= 600_000;
        }),
    ];
    for token in bad {
        let refused = scene.browser.arrive(&token).await;
        assert_eq!((refused.status, &scene.browser.cookie), (401, &None));
        assert!(refused.text.contains("no longer good"), "{}", refused.text);
    }
    assert!(scene.edge.calls().is_empty());
}

#[tokio::test]
async fn a_token_that_runs_out_on_its_way_is_not_taken_for_a_bad_key() {
    let mut scene = Scene::set().await;
    let late = scene.edge.token_with(0, |handoff| {
        handoff.issued_at -= 60_000;
        handoff.expires_at = handoff.issued_at + 58_000;
    });
    for (token, status) in [(late, 401), (scene.edge.token(0), 502)] {
        scene.edge.refuse("redeem", 401, "UNAUTHORIZED");
        assert_eq!(scene.browser.arrive(&token).await.status, status);
    }
}

#[tokio::test]
async fn another_sites_form_cannot_put_a_shopper_into_an_order() {
    let mut scene = Scene::set().await;
    scene.browser.origin = String::from("https://evil.example");
    assert_eq!(scene.browser.arrive(&scene.edge.token(0)).await.status, 403);
    assert!(scene.edge.calls().is_empty());
}

#[tokio::test]
async fn while_the_edge_is_busy_the_page_brings_the_token_again() {
    let mut scene = Scene::set().await;
    scene.edge.refuse("redeem", 503, "SERVICE_UNAVAILABLE");
    let token = scene.edge.token(0);
    let busy = scene.browser.arrive(&token).await;
    assert_eq!((busy.status, busy.header("retry-after")), (503, "60"));
    assert!(
        busy.text
            .contains(&format!(r#"name="handoffToken" value="{token}""#))
    );
    busy.assert_personal();
    assert_eq!(scene.browser.arrive(&token).await.status, 303);
}

#[tokio::test]
async fn keys_out_of_reach_are_not_the_shoppers_fault() {
    let nowhere = crate::stand_in_edge::serve(axum::Router::new()).await;
    let mut scene = Scene::with_keys_at(nowhere, StandInEdge::start().await).await;
    scene.browser.origin.clone_from(&scene.url);
    let busy = scene.browser.arrive(&scene.edge.token(0)).await;
    assert_eq!(busy.status, 503);
    assert!(!busy.header("retry-after").is_empty());
}
