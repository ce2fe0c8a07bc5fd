//! What stands in for the edge: it publishes keys, signs tokens for anybody who asks, and keeps
//! each admission's state as the API says.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tidegate_core::config::Access;
use tidegate_core::ids::{AdmissionId, Epoch, ShopperId};
use tidegate_core::token::handoff::{Expected, Handoff, HandoffKeys};
use tidegate_core::token::keys::Reach;
use tidegate_shop::now;
use tokio::net::TcpListener;

pub const ORIGIN_KEY: &str = "stand-in-origin-key";
pub const ISSUER: &str = "https://drops.example";
/// The queue, and so whom its tokens are for.
pub const QUEUE: &str = "demo";
const KEYS: &str = r#"[{"kid":"s1","key":"dev-BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}]"#;

#[derive(Clone)]
pub struct StandInEdge {
    pub url: String,
    inner: Arc<Inner>,
}

struct Inner {
    keys: HandoffKeys,
    states: Mutex<HashMap<String, &'static str>>,
    calls: Mutex<Vec<String>>,
    /// Refusals to give to a verb's next calls.
    refusals: Mutex<Vec<(&'static str, u16, &'static str)>>,
}

impl StandInEdge {
    pub async fn start() -> Self {
        let inner = Arc::new(Inner {
            keys: HandoffKeys::read(KEYS, Reach::Loopback).unwrap(),
            states: Mutex::default(),
            calls: Mutex::default(),
            refusals: Mutex::default(),
        });
        let router = Router::new()
            .route("/.well-known/jwks.json", get(serve_keys))
            .route("/v1/handoffs/redeem", post(redeem))
            .route("/v1/queues/{queue}/admissions/{id}/{verb}", post(change))
            .with_state(Arc::clone(&inner));
        Self {
            url: serve(router).await,
            inner,
        }
    }

    /// A good token for the admission of place `index` + 1 in queue `demo`.
    pub fn token(&self, index: u64) -> String {
        self.token_with(index, |_| {})
    }

    /// A token that differs from a good one.
    pub fn token_with(&self, index: u64, change: impl FnOnce(&mut Handoff)) -> String {
        let issued_at = now();
        let mut handoff = Handoff {
            admission_id: AdmissionId {
                epoch: Epoch::from_bytes([1; 16]),
                index,
            },
            queue: QUEUE.parse().unwrap(),
            subject: ShopperId::from_bytes([2; 16]),
            position: index + 1,
            access: Access::Queue,
            issued_at,
            expires_at: issued_at + 120_000,
        };
        change(&mut handoff);
        self.inner.keys.sign(&handoff, ISSUER, QUEUE).unwrap()
    }

    /// Refuses the next call of a verb.
    pub fn refuse(&self, verb: &'static str, status: u16, code: &'static str) {
        self.inner
            .refusals
            .lock()
            .unwrap()
            .push((verb, status, code));
    }

    /// The calls so far: `redeem`, `extend`, `complete`, `release`.
    pub fn calls(&self) -> Vec<String> {
        self.inner.calls.lock().unwrap().clone()
    }
}

pub async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

impl Inner {
    /// Writes a call down, and says whether it is to be refused.
    fn begin(&self, verb: &str) -> Option<Response> {
        self.calls.lock().unwrap().push(verb.to_owned());
        let mut refusals = self.refusals.lock().unwrap();
        let due = refusals.iter().position(|(refused, ..)| *refused == verb)?;
        let (_, status, code) = refusals.remove(due);
        Some(problem(status, code))
    }
}

fn problem(status: u16, code: &str) -> Response {
    // Longer than anybody waits, so that a 503 is not tried again within the call.
    let body = json!({"code": code, "detail": "As the test asked.", "retryAfterSeconds": 60});
    (StatusCode::from_u16(status).unwrap(), Json(body)).into_response()
}

async fn serve_keys(State(edge): State<Arc<Inner>>) -> Json<Value> {
    Json(edge.keys.public().to_jwks())
}

async fn redeem(State(edge): State<Arc<Inner>>, Json(body): Json<Value>) -> Response {
    if let Some(refusal) = edge.begin("redeem") {
        return refusal;
    }
    let expected = Expected {
        issuer: Some(ISSUER),
        audience: Some(QUEUE),
        queue: None,
        leeway_seconds: 5,
    };
    let token = body["handoffToken"].as_str().unwrap();
    let Ok(handoff) = edge.keys.public().verify(token, &expected, now()) else {
        return problem(401, "UNAUTHORIZED");
    };
    if body["queueId"] != handoff.queue.as_str() {
        return problem(401, "UNAUTHORIZED");
    }
    let id = handoff.admission_id.to_string();
    if edge
        .states
        .lock()
        .unwrap()
        .insert(id.clone(), "redeemed")
        .is_some()
    {
        return problem(409, "ALREADY_REDEEMED");
    }
    let admission = json!({
        "admissionId": id,
        "queueId": handoff.queue,
        "subject": handoff.subject,
        "position": handoff.position,
        "expiresAt": now() + 599_000,
    });
    Json(admission).into_response()
}

async fn change(
    State(edge): State<Arc<Inner>>,
    Path((queue, id, verb)): Path<(String, String, String)>,
) -> Response {
    if let Some(refusal) = edge.begin(&verb) {
        return refusal;
    }
    // Long enough that requests at the same time would overtake each other, if they could.
    tokio::time::sleep(Duration::from_millis(20)).await;
    let mut states = edge.states.lock().unwrap();
    let state = states.get_mut(&id).unwrap();
    match verb.as_str() {
        "complete" => *state = "completed",
        "release" => *state = "released",
        _ => {}
    }
    let expires_at = (*state == "redeemed").then(|| now() + 899_000);
    let reply =
        json!({"admissionId": id, "queueId": queue, "state": *state, "expiresAt": expires_at});
    Json(reply).into_response()
}
