//! What stands in for the Worker: it notes each request and gives the replies that a test wrote.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// A request that the stand-in saw.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: Method,
    /// Path and query.
    pub target: String,
    pub headers: HeaderMap,
    pub body: String,
}

impl Seen {
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// A reply to every request.
#[derive(Clone)]
pub struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Reply {
    pub fn new(status: u16, media_type: &str, body: impl Into<String>) -> Self {
        Self {
            status,
            headers: vec![("content-type", media_type.to_owned())],
            body: body.into(),
        }
    }

    pub fn json(status: u16, body: &Value) -> Self {
        Self::new(status, "application/json; charset=utf-8", body.to_string())
    }

    pub fn problem(status: u16, code: &str, detail: &str) -> Self {
        let body = json!({
            "type": "urn:tidegate:problem:x", "title": "T", "status": status, "code": code,
            "detail": detail, "retryable": false, "requestId": "r-1",
        });
        Self::new(status, "application/problem+json", body.to_string())
    }

    pub fn with_header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

pub struct StandIn {
    pub url: String,
    seen: Requests,
    /// Serves for as long as it lives.
    _runtime: Runtime,
}

type Requests = Arc<Mutex<Vec<Seen>>>;
/// What to answer, of a path and query.
type Answers = dyn Fn(&str) -> Reply + Send + Sync;

impl StandIn {
    pub fn replying(reply: Reply) -> Self {
        Self::answering(move |_| reply.clone())
    }

    /// Asks for each reply by path and query.
    pub fn answering(answers: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::default());
        let answers: Arc<Answers> = Arc::new(answers);
        let router = Router::new()
            .fallback(answer)
            .with_state((Arc::clone(&seen), answers));
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self {
            url,
            seen,
            _runtime: runtime,
        }
    }

    /// The one request that was made.
    #[track_caller]
    pub fn only(&self) -> Seen {
        let seen = self.seen.lock().unwrap();
        assert_eq!(seen.len(), 1, "{seen:?}");
        seen[0].clone()
    }

    /// The paths and queries that were asked for, in order.
    pub fn targets(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        seen.iter().map(|request| request.target.clone()).collect()
    }

    #[track_caller]
    pub fn saw_nothing(&self) {
        assert_eq!(self.seen.lock().unwrap().len(), 0);
    }
}

async fn answer(
    State((seen, answers)): State<(Requests, Arc<Answers>)>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    seen.lock().unwrap().push(Seen {
        method: head.method,
        target: head.uri.to_string(),
        headers: head.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    });
    let reply = answers(&head.uri.to_string());
    let mut response = Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        response = response.header(*name, value);
    }
    response.body(Body::from(reply.body)).unwrap()
}
