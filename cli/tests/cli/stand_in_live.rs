//! What stands in for the Worker's live sockets: it tells each socket a snapshot and then every
//! notice, and can be told to refuse, to drop or to forget some. The rest of it answers just enough
//! to be loaded.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use axum::serve::Listener;
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::{broadcast, mpsc};
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server;

/// How it misbehaves.
#[derive(Clone, Copy, Default)]
pub struct Manners {
    /// How many relays the snapshot names; of more than one, only the last takes sockets.
    pub relays: u16,
    /// How many sockets are dropped as soon as they stand.
    pub drops: u32,
    /// How many sockets never hear of a notice.
    pub deaf: u32,
}

struct Shared {
    manners: Manners,
    notices: broadcast::Sender<String>,
    changes: Mutex<Vec<String>>,
    upgrades: AtomicU32,
}

pub struct StandInLive {
    pub url: String,
    shared: Arc<Shared>,
    /// Serves for as long as it lives.
    _runtime: Runtime,
}

impl StandInLive {
    pub fn with(manners: Manners) -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            manners,
            notices: broadcast::channel(1024).0,
            changes: Mutex::default(),
            upgrades: AtomicU32::new(0),
        });
        let (plain, rest) = mpsc::channel(1024);
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&shared));
        runtime.spawn(async move { axum::serve(NotSockets { rest, address }, router).await });
        runtime.spawn(tell_apart(listener, plain, Arc::clone(&shared)));
        Self {
            url: format!("http://{address}"),
            shared,
            _runtime: runtime,
        }
    }

    /// How many sockets were opened.
    pub fn upgrades(&self) -> u32 {
        self.shared.upgrades.load(Ordering::SeqCst)
    }

    /// The texts of all notices, in the order in which they came.
    pub fn changes(&self) -> Vec<String> {
        self.shared.changes.lock().unwrap().clone()
    }
}

/// Takes the connections that ask for a socket, and hands on the others.
async fn tell_apart(listener: TcpListener, plain: mpsc::Sender<TcpStream>, shared: Arc<Shared>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (plain, shared) = (plain.clone(), Arc::clone(&shared));
        tokio::spawn(async move {
            let mut line = [0; 64];
            let length = stream.peek(&mut line).await.unwrap();
            if String::from_utf8_lossy(&line[..length]).contains("/live") {
                serve_socket(stream, &shared).await;
            } else {
                plain.send(stream).await.unwrap();
            }
        });
    }
}

struct NotSockets {
    rest: mpsc::Receiver<TcpStream>,
    address: SocketAddr,
}

impl Listener for NotSockets {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        (self.rest.recv().await.unwrap(), self.address)
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        Ok(self.address)
    }
}

#[expect(clippy::result_large_err, reason = "the library's signature")]
async fn serve_socket(stream: TcpStream, shared: &Shared) {
    let relays = shared.manners.relays.max(1);
    let check = |request: &server::Request, response: server::Response| {
        let relay = request.uri().query().unwrap_or("relay=0");
        if relay == format!("relay={}", relays - 1) {
            return Ok(response);
        }
        let refusal = axum::http::Response::builder().status(503);
        Err(refusal.header("retry-after", "1").body(None).unwrap())
    };
    // Before the client knows that it is connected, or it could miss the notice that it then sends.
    let mut notices = shared.notices.subscribe();
    let Ok(mut socket) = accept_hdr_async(stream, check).await else {
        return;
    };
    let number = shared.upgrades.fetch_add(1, Ordering::SeqCst);
    let snapshot = json!({"type": "snapshot", "boarding": 0, "admittedBelow": 0, "relays": relays});
    socket
        .send(Message::text(snapshot.to_string()))
        .await
        .unwrap();
    if number < shared.manners.drops {
        return;
    }
    loop {
        tokio::select! {
            notice = notices.recv() => {
                let deaf = number < shared.manners.deaf;
                if !deaf && socket.send(Message::text(notice.unwrap())).await.is_err() {
                    return;
                }
            }
            frame = socket.next() => match frame {
                Some(Ok(Message::Text(text))) if text.as_str() == "ping" => {
                    socket.send(Message::text("pong")).await.unwrap();
                }
                Some(Ok(_)) => {}
                _ => return,
            },
        }
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let said = match head.uri.path().rsplit('/').next() {
        Some("notice") => {
            let notice: Value = serde_json::from_slice(&body).unwrap();
            let text = notice["text"].as_str().unwrap_or_default().to_owned();
            shared.changes.lock().unwrap().push(text);
            let frame = json!({"type": "notice", "notice": notice, "version": 1, "serverTime": 1});
            // Nobody may listen.
            let _ = shared.notices.send(frame.to_string());
            json!({})
        }
        Some("admissions") => json!({"admissions": [], "next": null}),
        _ => {
            let snapshot = json!({
                "epoch": "01".repeat(16), "entered": 0, "waiting": 0, "present": 0, "active": 0,
                "relays": shared.manners.relays.max(1), "version": 1, "serverTime": 1,
            });
            if head.uri.path().starts_with("/v1/admin/") {
                json!({"config": {"maxActive": 10}, "snapshot": snapshot})
            } else {
                snapshot
            }
        }
    };
    Response::new(Body::from(said.to_string()))
}
