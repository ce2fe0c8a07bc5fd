//! Verifying: what is accepted, and what it costs in fetches.

use core::time::Duration;

use tidegate_origin::{ConfigError, Verifier, VerifierBuilder, VerifyError};

use crate::stand_in::{ISSUER, QUEUE, StandIn, handoff, keys, nowhere, queue, token, until};

fn builder(edge_url: &str) -> VerifierBuilder {
    Verifier::builder(edge_url, queue()).issuer(ISSUER)
}

fn verifier(edge_url: &str) -> Verifier {
    builder(edge_url).build().unwrap()
}

/// One that may fetch at any time.
fn eager(edge_url: &str) -> Verifier {
    builder(edge_url)
        .fetch_window(Duration::ZERO)
        .build()
        .unwrap()
}

fn unreachable(result: Result<tidegate_origin::Handoff, VerifyError>) -> String {
    match result {
        Err(VerifyError::KeysUnreachable { retry_after, cause }) => {
            assert!(retry_after >= Duration::from_secs(1));
            cause
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn good_tokens_are_accepted_for_one_fetch() {
    let keys = keys(&["h1"]);
    let edge = StandIn::publishing(&keys).await;
    let verifier = verifier(&edge.url);
    for _ in 0..3 {
        assert_eq!(verifier.verify(&token(&keys)).await.unwrap().position, 7);
    }
    assert_eq!(edge.fetches(), 1);
}

#[tokio::test]
async fn callers_at_the_same_time_wait_for_the_same_fetch() {
    let keys = keys(&["h1"]);
    let edge = StandIn::publishing(&keys).await;
    edge.close_doors();
    let verifier = eager(&edge.url);
    let callers: Vec<_> = (0..20)
        .map(|_| {
            let (verifier, token) = (verifier.clone(), token(&keys));
            tokio::spawn(async move { verifier.verify(&token).await })
        })
        .collect();
    until("a fetch", || edge.fetches() > 0).await;
    edge.open_doors();
    for caller in callers {
        assert!(caller.await.unwrap().is_ok());
    }
    assert_eq!(edge.fetches(), 1);
}

#[tokio::test]
async fn a_caller_who_hangs_up_does_not_end_the_fetch_for_others() {
    let keys = keys(&["h1"]);
    let edge = StandIn::publishing(&keys).await;
    edge.close_doors();
    let verifier = verifier(&edge.url);
    let (first, good) = (verifier.clone(), token(&keys));
    let caller = tokio::spawn(async move { first.verify(&good).await });
    until("a fetch", || edge.fetches() > 0).await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    edge.open_doors();
    assert!(verifier.verify(&token(&keys)).await.is_ok());
    assert_eq!(edge.fetches(), 1);
}

#[tokio::test]
async fn a_new_key_is_learnt_without_a_restart() {
    let edge = StandIn::publishing(&keys(&["h1"])).await;
    let verifier = eager(&edge.url);
    assert!(verifier.verify(&token(&keys(&["h1"]))).await.is_ok());
    edge.publish(&keys(&["h2", "h1"]));
    assert!(verifier.verify(&token(&keys(&["h2"]))).await.is_ok());
    assert!(verifier.verify(&token(&keys(&["h1"]))).await.is_ok());
    assert_eq!(edge.fetches(), 2);
}

#[tokio::test]
async fn a_flood_of_unknown_kids_costs_one_fetch_a_window() {
    let edge = StandIn::publishing(&keys(&["h1"])).await;
    let verifier = verifier(&edge.url);
    let flood: Vec<_> = (0..100)
        .map(|n| {
            let (verifier, kid) = (verifier.clone(), format!("x{n}"));
            tokio::spawn(async move { verifier.verify(&token(&keys(&[&kid]))).await })
        })
        .collect();
    for caller in flood {
        assert_eq!(caller.await.unwrap(), Err(VerifyError::UnknownKey));
    }
    for _ in 0..10 {
        let foreign = token(&keys(&["x1"]));
        assert_eq!(
            verifier.verify(&foreign).await,
            Err(VerifyError::UnknownKey)
        );
    }
    assert!(verifier.verify(&token(&keys(&["h1"]))).await.is_ok());
    assert_eq!(edge.fetches(), 1);
}

#[tokio::test]
async fn the_next_window_allows_the_next_fetch() {
    let edge = StandIn::publishing(&keys(&["h1"])).await;
    let verifier = builder(&edge.url)
        .fetch_window(Duration::from_millis(100))
        .build()
        .unwrap();
    let foreign = token(&keys(&["x1"]));
    assert_eq!(
        verifier.verify(&foreign).await,
        Err(VerifyError::UnknownKey)
    );
    let fetches = edge.fetches();
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert_eq!(
        verifier.verify(&foreign).await,
        Err(VerifyError::UnknownKey)
    );
    assert_eq!(edge.fetches(), fetches + 1);
}

#[tokio::test]
async fn while_the_edge_fails_known_keys_work_and_unknown_ones_may_be_tried_again() {
    let edge = StandIn::publishing(&keys(&["h1"])).await;
    let verifier = eager(&edge.url);
    assert!(verifier.verify(&token(&keys(&["h1"]))).await.is_ok());
    edge.answer_fetches(500, String::new());
    let cause = unreachable(verifier.verify(&token(&keys(&["h2"]))).await);
    assert!(cause.contains("500"), "{cause}");
    assert!(verifier.verify(&token(&keys(&["h1"]))).await.is_ok());
    edge.publish(&keys(&["h2"]));
    assert!(verifier.verify(&token(&keys(&["h2"]))).await.is_ok());
    assert_eq!(
        verifier.verify(&token(&keys(&["h1"]))).await,
        Err(VerifyError::UnknownKey)
    );
}

#[tokio::test]
async fn without_an_edge_a_token_is_neither_accepted_nor_refused_for_good() {
    let verifier = verifier(&nowhere().await);
    let result = verifier.verify(&token(&keys(&["h1"]))).await;
    assert!(result.as_ref().is_err_and(VerifyError::is_retryable));
    unreachable(result);
    assert!(verifier.load_keys().await.is_err());
}

#[tokio::test]
async fn an_edge_that_never_answers_is_given_up_in_time() {
    let edge = StandIn::publishing(&keys(&["h1"])).await;
    edge.close_doors();
    let verifier = builder(&edge.url)
        .timeout(Duration::from_millis(100))
        .build()
        .unwrap();
    unreachable(verifier.verify(&token(&keys(&["h1"]))).await);
}

#[tokio::test]
async fn key_sets_that_cannot_be_used_take_nothing_away() {
    let edge = StandIn::publishing(&keys(&["h1"])).await;
    let verifier = eager(&edge.url);
    verifier.load_keys().await.unwrap();
    let mut huge = keys(&["h2"]).public().to_jwks().to_string();
    huge.push_str(&" ".repeat(64 * 1024));
    for (bad, fault) in [
        (huge, "longer"),
        (String::from("<html>"), "JSON"),
        (String::from(r#"{"keys":[]}"#), "no"),
    ] {
        edge.answer_fetches(200, bad);
        let cause = unreachable(verifier.verify(&token(&keys(&["h2"]))).await);
        assert!(cause.contains(fault), "{cause}");
        assert!(verifier.verify(&token(&keys(&["h1"]))).await.is_ok());
    }
}

#[tokio::test]
async fn a_withdrawn_key_is_forgotten_once_the_keys_are_old() {
    let old = token(&keys(&["h1"]));
    let edge = StandIn::publishing(&keys(&["h1"])).await;
    let verifier = builder(&edge.url)
        .fetch_window(Duration::ZERO)
        .refresh_after(Duration::ZERO)
        .build()
        .unwrap();
    verifier.load_keys().await.unwrap();
    edge.publish(&keys(&["h2"]));
    assert!(
        verifier.verify(&old).await.is_ok(),
        "accepted while the refresh is under way"
    );
    until("a refresh", || edge.fetches() == 2).await;
    // The refresh ends a moment after the stand-in has counted it; load_keys waits for its end.
    verifier.load_keys().await.unwrap();
    assert_eq!(verifier.verify(&old).await, Err(VerifyError::UnknownKey));
}

#[tokio::test]
async fn expired_foreign_and_altered_tokens_are_refused() {
    let keys = keys(&["h1"]);
    let edge = StandIn::publishing(&keys).await;
    let verifier = verifier(&edge.url);
    let good = token(&keys);
    let fresh = handoff(Duration::ZERO);
    let (head, signature) = good.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { "B" } else { "A" };
    let bad = [
        keys.sign(&fresh, ISSUER, "other").unwrap(),
        keys.sign(&fresh, "https://other.example", QUEUE).unwrap(),
        keys.sign(&handoff(Duration::from_secs(130)), ISSUER, QUEUE)
            .unwrap(),
        format!("{head}.{first}{}", &signature[1..]),
        format!("{head}."),
        String::new(),
        "a".repeat(5000),
    ];
    assert!(verifier.verify(&good).await.is_ok());
    for token in bad {
        assert_eq!(
            verifier.verify(&token).await,
            Err(VerifyError::Invalid),
            "{token}"
        );
    }
    assert_eq!(edge.fetches(), 1);
}

/// A token of a queue that is quick to get through is good for nothing of another's, whatever
/// its audience.
#[tokio::test]
async fn a_token_of_another_queue_is_refused() {
    let keys = keys(&["h1"]);
    let edge = StandIn::publishing(&keys).await;
    let mut easy = handoff(Duration::ZERO);
    easy.queue = "easy".parse().unwrap();
    let by_default = verifier(&edge.url);
    let by_name = builder(&edge.url).audience("checkout").build().unwrap();
    for (verifier, audience) in [
        (&by_default, "easy"),
        (&by_default, QUEUE),
        (&by_name, "checkout"),
    ] {
        let token = keys.sign(&easy, ISSUER, audience).unwrap();
        assert_eq!(
            verifier.verify(&token).await,
            Err(VerifyError::Invalid),
            "{audience}"
        );
    }
    let own = keys
        .sign(&handoff(Duration::ZERO), ISSUER, "checkout")
        .unwrap();
    assert!(by_name.verify(&own).await.is_ok());
}

#[tokio::test]
async fn clocks_may_differ_by_the_leeway() {
    let keys = keys(&["h1"]);
    let edge = StandIn::publishing(&keys).await;
    let just_over = keys
        .sign(&handoff(Duration::from_secs(122)), ISSUER, QUEUE)
        .unwrap();
    assert!(verifier(&edge.url).verify(&just_over).await.is_ok());
    let strict = builder(&edge.url).leeway(Duration::ZERO).build().unwrap();
    assert_eq!(strict.verify(&just_over).await, Err(VerifyError::Invalid));
}

#[test]
fn a_verifier_that_would_trust_too_much_is_not_built() {
    let nobody = builder("https://edge.example").audience("").build();
    assert_eq!(nobody.map(|_| ()), Err(ConfigError::EmptyAudience));
    let plain = "http://edge.example";
    assert_eq!(
        Verifier::new(plain, queue()).map(|_| ()),
        Err(ConfigError::NotHttps(plain.into()))
    );
    let other_keys = Verifier::builder("https://edge.example", queue())
        .jwks_url(plain)
        .build();
    assert_eq!(
        other_keys.map(|_| ()),
        Err(ConfigError::NotHttps(plain.into()))
    );
}
