//! Sockets on the queue's live channel: connected with care, held for the whole run, opened again
//! when they drop.

use core::time::Duration;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures::{SinkExt, StreamExt};
use tidegate_core::client::Backoff;
use tokio::net::TcpStream;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use super::live::{Frame, Live};
use super::standing::{as_millis, millis};
use super::stats::{Ending, Step};
use super::world::World;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// How many connect at the same time: more would measure their wait for each other.
const CONNECTING_AT_ONCE: usize = 16;
/// How often a client says that it is there.
const PING_EVERY: Duration = Duration::from_secs(30);
/// Frames are short; the library would keep 128 KiB for each socket.
const BUFFER: usize = 4 * 1024;
/// The longest time that a relay may ask to be given before a socket comes back.
const RECONNECT_MOST: Duration = Duration::from_secs(30);
/// How many relays are tried, one after the other, before the socket backs off.
const RELAYS_TRIED: u16 = 16;

/// All sockets of a run.
pub struct Fleet {
    lives: Vec<watch::Receiver<Live>>,
    shared: Arc<Shared>,
    tasks: JoinSet<()>,
}

struct Shared {
    world: Arc<World>,
    url: String,
    connecting: Semaphore,
    /// Sockets that stand, and those that ever did.
    up: AtomicU64,
    ever_up: AtomicU64,
    /// Sockets whose first attempt is over, whatever came of it.
    tried: AtomicU64,
    drops: AtomicU64,
    /// Upgrades that a full relay refused.
    refused: AtomicU64,
    arrived: Notify,
    /// The last frame and its meaning: every socket gets the same.
    last: Mutex<Option<(Utf8Bytes, Option<Arc<Frame>>)>>,
}

/// The figures of the fleet.
#[derive(Clone, Copy, Debug)]
pub struct FleetFigures {
    pub sockets: u64,
    pub up: u64,
    pub ever_up: u64,
    pub drops: u64,
    pub refused: u64,
}

impl Fleet {
    /// Begins to connect `count` sockets.
    pub fn launch(world: &Arc<World>, url: &str, count: u32) -> Self {
        let shared = Arc::new(Shared {
            world: Arc::clone(world),
            // http to ws, https to wss.
            url: format!(
                "ws{}/v1/queues/{}/live",
                url.trim_start_matches("http"),
                world.target.id
            ),
            connecting: Semaphore::new(CONNECTING_AT_ONCE),
            up: AtomicU64::new(0),
            ever_up: AtomicU64::new(0),
            tried: AtomicU64::new(0),
            drops: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            arrived: Notify::new(),
            last: Mutex::new(None),
        });
        let mut tasks = JoinSet::new();
        let lives = (0..count)
            .map(|_| {
                let (said, seen) = watch::channel(Live::default());
                tasks.spawn(hold(Arc::clone(&shared), said));
                seen
            })
            .collect();
        Self {
            lives,
            shared,
            tasks,
        }
    }

    /// The socket of one shopper, if they have one.
    pub fn of(&self, shopper: u32) -> Option<watch::Receiver<Live>> {
        let live = self.lives.get(usize::try_from(shopper).ok()?)?;
        Some(live.clone())
    }

    /// Waits until every socket has connected or failed once, but no longer than `most`.
    pub async fn until_tried(&self, most: Duration) {
        let all = u64::try_from(self.lives.len()).unwrap_or(u64::MAX);
        let tried = async {
            while self.shared.tried.load(Ordering::Relaxed) < all {
                self.something_arrived().await;
            }
        };
        let _ = timeout(most, tried).await;
    }

    /// How many sockets have stood at some time.
    pub fn ever_up(&self) -> u64 {
        self.shared.ever_up.load(Ordering::Relaxed)
    }

    /// Waits until something comes over some socket, or a moment.
    pub async fn something_arrived(&self) {
        let _ = timeout(Duration::from_millis(50), self.shared.arrived.notified()).await;
    }

    pub fn figures(&self) -> FleetFigures {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        FleetFigures {
            sockets: u64::try_from(self.lives.len()).unwrap_or(u64::MAX),
            up: read(&self.shared.up),
            ever_up: read(&self.shared.ever_up),
            drops: read(&self.shared.drops),
            refused: read(&self.shared.refused),
        }
    }

    /// Closes all sockets.
    pub async fn close(mut self) {
        self.tasks.shutdown().await;
    }
}

/// Keeps one socket open.
async fn hold(shared: Arc<Shared>, said: watch::Sender<Live>) {
    let mut backoff = Backoff::new(u16::MAX);
    let (mut first_up, mut highest) = (None, None);
    // The relay to ask for, and how many in a row were full.
    let (mut relay, mut full) = (None, 0);
    let mut tried = false;
    loop {
        let result = connect(&shared, relay).await;
        let pause = match result {
            Ok(socket) => {
                backoff.reset();
                full = 0;
                let since = *first_up.get_or_insert_with(|| {
                    shared.ever_up.fetch_add(1, Ordering::Relaxed);
                    Instant::now()
                });
                note_tried(&shared, &mut tried);
                shared.up.fetch_add(1, Ordering::Relaxed);
                let within = listen(&shared, socket, &said, since, &mut highest).await;
                shared.up.fetch_sub(1, Ordering::Relaxed);
                shared.drops.fetch_add(1, Ordering::Relaxed);
                said.send_modify(|seen| seen.up = false);
                match within {
                    Some(within) => within.min(RECONNECT_MOST).mul_f64(fastrand::f64()),
                    None => again(&mut backoff, None),
                }
            }
            Err(Some(retry_after)) => {
                shared.refused.fetch_add(1, Ordering::Relaxed);
                let relays = shared.world.relays.load(Ordering::Relaxed).max(1);
                let round = if relays == 1 {
                    0
                } else {
                    relays.min(RELAYS_TRIED)
                };
                if full >= round {
                    // Each was full: later then, and at first wherever the edge sends it.
                    (relay, full) = (None, 0);
                    note_tried(&shared, &mut tried);
                    again(&mut backoff, Some(retry_after))
                } else {
                    let before: u16 = relay.unwrap_or_else(|| fastrand::u16(..));
                    relay = Some(before.wrapping_add(1) % relays);
                    full += 1;
                    Duration::ZERO
                }
            }
            Err(None) => {
                note_tried(&shared, &mut tried);
                again(&mut backoff, None)
            }
        };
        sleep(pause).await;
    }
}

/// How long to wait before the next try.
fn again(backoff: &mut Backoff, retry_after: Option<Duration>) -> Duration {
    millis(backoff.next(retry_after.map(as_millis), fastrand::u32(..)))
}

fn note_tried(shared: &Shared, tried: &mut bool) {
    if !*tried {
        *tried = true;
        shared.tried.fetch_add(1, Ordering::Relaxed);
        shared.arrived.notify_waiters();
    }
}

/// Connects once. A full relay's refusal comes with the pause that it asks for.
async fn connect(shared: &Shared, relay: Option<u16>) -> Result<Socket, Option<Duration>> {
    // The semaphore is never closed.
    let _place = shared.connecting.acquire().await.map_err(|_| None)?;
    let url = match relay {
        Some(relay) => format!("{}?relay={relay}", shared.url),
        None => shared.url.clone(),
    };
    let began = Instant::now();
    let stats = &shared.world.wire.stats;
    let failed = |ending, why: String| {
        stats.add(Step::SocketConnect, ending, began.elapsed(), || why);
        None
    };
    let request = url
        .into_client_request()
        .map_err(|error| failed(Ending::Bad, error.to_string()))?;
    let config = WebSocketConfig::default()
        .read_buffer_size(BUFFER)
        .write_buffer_size(0);
    let connecting = connect_async_with_config(request, Some(config), true);
    match timeout(shared.world.timeout, connecting).await {
        Ok(Ok((socket, _))) => {
            stats.add(
                Step::SocketConnect,
                Ending::Good,
                began.elapsed(),
                String::new,
            );
            Ok(socket)
        }
        Ok(Err(Error::Http(answer))) if answer.status().as_u16() == 503 => {
            let asked = answer.headers().get("retry-after");
            let seconds = asked.and_then(|asked| asked.to_str().ok()?.parse().ok());
            Err(Some(Duration::from_secs(seconds.unwrap_or(1).min(60))))
        }
        Ok(Err(Error::Http(answer))) => Err(failed(
            Ending::Bad,
            format!("the upgrade was answered with {}", answer.status()),
        )),
        Ok(Err(error)) => Err(failed(Ending::Broken, error.to_string())),
        Err(_) => Err(failed(Ending::TimedOut, String::from("no upgrade in time"))),
    }
}

/// Listens until the socket drops, or its pongs stop. Where everybody's is closed, returns within
/// what time to come back.
async fn listen(
    shared: &Shared,
    mut socket: Socket,
    said: &watch::Sender<Live>,
    since: Instant,
    highest: &mut Option<usize>,
) -> Option<Duration> {
    // Those who connected together do not ping together.
    let mut next_ping = Instant::now() + PING_EVERY.mul_f64(fastrand::f64());
    let mut awaits_pong = false;
    loop {
        let frame = tokio::select! {
            frame = socket.next() => frame,
            () = sleep_until(next_ping) => {
                if awaits_pong || socket.send(Message::text("ping")).await.is_err() {
                    return None;
                }
                awaits_pong = true;
                next_ping = Instant::now() + PING_EVERY;
                continue;
            }
        };
        match frame {
            Some(Ok(Message::Text(text))) if text.as_str() == "pong" => awaits_pong = false,
            Some(Ok(Message::Text(text))) => {
                if let Some(frame) = shared.read(text) {
                    if let Some(within) = frame.reconnect_within {
                        return Some(Duration::from_millis(within));
                    }
                    shared.take(&frame, said, since, highest);
                }
            }
            Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
            Some(Ok(_)) => {}
        }
    }
}

impl Shared {
    /// Reads a frame, once for all who get the same.
    fn read(&self, text: Utf8Bytes) -> Option<Arc<Frame>> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, frame)) = last.as_ref()
            && *known == text
        {
            return frame.clone();
        }
        let frame = Frame::read(text.as_str()).map(Arc::new);
        *last = Some((text, frame.clone()));
        frame
    }

    /// Does what a frame asks for.
    fn take(
        &self,
        frame: &Frame,
        said: &watch::Sender<Live>,
        since: Instant,
        highest: &mut Option<usize>,
    ) {
        if let Some(relays) = frame.relays {
            self.world.relays.store(relays, Ordering::Relaxed);
        }
        if let Some(seen) = frame.seen {
            said.send_replace(seen);
        }
        let number = frame
            .notice
            .as_ref()
            .and_then(|text| self.world.push.number(text));
        if let Some(number) =
            number.filter(|number| highest.is_none_or(|highest| highest < *number))
        {
            *highest = Some(number);
            self.world.push.arrived(&self.world, number, since);
            self.arrived.notify_waiters();
        }
    }
}
