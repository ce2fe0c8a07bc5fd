//! What stands in for the edge: published keys that a test changes, signed tokens, scripted
//! replies.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tidegate_core::config::Access;
use tidegate_core::ids::{AdmissionId, Epoch, QueueId, ShopperId};
use tidegate_core::token::handoff::{Handoff, HandoffKeys};
use tidegate_core::token::keys::Reach;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

pub const ISSUER: &str = "https://edge.example";
/// The queue, and so whom its tokens are for.
pub const QUEUE: &str = "demo";

/// A request that the stand-in saw.
pub struct Seen {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    pub at: Instant,
}

impl Seen {
    pub fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

#[derive(Clone)]
pub struct StandIn {
    pub url: String,
    inner: Arc<Inner>,
}

struct Inner {
    fetches: AtomicUsize,
    key_set: Mutex<(u16, String)>,
    /// Each fetch of the keys takes a permit.
    doors: Semaphore,
    replies: Mutex<VecDeque<Response>>,
    seen: Mutex<Vec<Seen>>,
}

impl StandIn {
    /// One that publishes `keys`.
    pub async fn publishing(keys: &HandoffKeys) -> Self {
        let inner = Arc::new(Inner {
            fetches: AtomicUsize::new(0),
            key_set: Mutex::new((200, keys.public().to_jwks().to_string())),
            doors: Semaphore::new(1_000_000),
            replies: Mutex::default(),
            seen: Mutex::default(),
        });
        let router = Router::new()
            .route("/.well-known/jwks.json", get(serve_keys))
            .route("/{*path}", post(serve_reply))
            .with_state(Arc::clone(&inner));
        Self {
            url: serve(router).await,
            inner,
        }
    }

    /// One that gives these replies to calls, in order.
    pub async fn replying(replies: impl IntoIterator<Item = Response>) -> Self {
        let stand_in = Self::publishing(&keys(&["h1"])).await;
        stand_in.inner.replies.lock().unwrap().extend(replies);
        stand_in
    }

    pub fn publish(&self, keys: &HandoffKeys) {
        self.answer_fetches(200, keys.public().to_jwks().to_string());
    }

    pub fn answer_fetches(&self, status: u16, body: String) {
        *self.inner.key_set.lock().unwrap() = (status, body);
    }

    /// Keeps fetches waiting until [`Self::open_doors`].
    pub fn close_doors(&self) {
        let permits = self.inner.doors.available_permits();
        self.inner.doors.forget_permits(permits);
    }

    pub fn open_doors(&self) {
        self.inner.doors.add_permits(1_000_000);
    }

    pub fn fetches(&self) -> usize {
        self.inner.fetches.load(Ordering::SeqCst)
    }

    pub fn seen(&self) -> Vec<Seen> {
        core::mem::take(&mut self.inner.seen.lock().unwrap())
    }
}

async fn serve_keys(State(inner): State<Arc<Inner>>) -> Response {
    inner.fetches.fetch_add(1, Ordering::SeqCst);
    drop(inner.doors.acquire().await.unwrap());
    let (status, body) = inner.key_set.lock().unwrap().clone();
    (StatusCode::from_u16(status).unwrap(), body).into_response()
}

async fn serve_reply(State(inner): State<Arc<Inner>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
    let path = parts.uri.path().to_owned();
    let seen = Seen {
        path,
        headers: parts.headers,
        body,
        at: Instant::now(),
    };
    inner.seen.lock().unwrap().push(seen);
    inner
        .replies
        .lock()
        .unwrap()
        .pop_front()
        .expect("no more calls were expected")
}

/// Serves a router on a port of its own.
pub async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

/// A URL that nobody answers.
pub async fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// A reply that breaks off in its body.
pub fn broken_reply() -> Response {
    Response::builder()
        .header("content-length", "100")
        .body(Body::from("{"))
        .unwrap()
}

pub fn reply(status: u16, body: &Value) -> Response {
    let content_type = [("content-type", "application/json")];
    (
        StatusCode::from_u16(status).unwrap(),
        content_type,
        body.to_string(),
    )
        .into_response()
}

pub fn problem(status: u16, code: &str) -> Response {
    reply(
        status,
        &json!({"status": status, "code": code, "detail": "why", "new": 1}),
    )
}

/// Signing keys with these ids; the first signs.
pub fn keys(kids: &[&str]) -> HandoffKeys {
    let seed = |kid: &str| format!("dev-{}{}", &kid[kid.len() - 1..], "A".repeat(42));
    let list: Vec<_> = kids
        .iter()
        .map(|kid| json!({"kid": kid, "key": seed(kid)}))
        .collect();
    HandoffKeys::read(&Value::from(list).to_string(), Reach::Loopback).unwrap()
}

/// A handoff for place 7 of queue `demo`, signed `age` ago and good for two minutes.
pub fn handoff(age: Duration) -> Handoff {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let issued_at = u64::try_from(now.saturating_sub(age).as_millis()).unwrap();
    Handoff {
        admission_id: AdmissionId {
            epoch: Epoch::from_bytes([1; 16]),
            index: 6,
        },
        queue: queue(),
        subject: ShopperId::from_bytes([2; 16]),
        position: 7,
        access: Access::Queue,
        issued_at,
        expires_at: issued_at + 120_000,
    }
}

pub fn queue() -> QueueId {
    QUEUE.parse().unwrap()
}

/// A good token.
pub fn token(keys: &HandoffKeys) -> String {
    keys.sign(&handoff(Duration::ZERO), ISSUER, QUEUE).unwrap()
}

/// Waits for what must come to hold, with a bound.
pub async fn until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(Instant::now() < deadline, "{what} did not come to hold");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
