//! Calls to the edge: redeem, complete, release, extend.

use core::fmt;
use core::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Client, RequestBuilder, Url};
use serde::de::DeserializeOwned;
use serde_json::json;
use tidegate_core::ids::QueueId;

use crate::admission::{Admission, AdmissionState, State};
use crate::error::{ConfigError, EdgeError};
use crate::http::{below, client, trusted_url};
use crate::idempotency::IdempotencyKey;
use crate::reply::{Failure, out_of_reach, send};
use crate::retry::{Limits, Tries};

/// The edge, as an origin calls it. Cheap to clone; clones share connections.
///
/// Each call is tried again, a few times and with growing random pauses, where the edge answers 503
/// (no sooner than its `Retry-After`) or no reply came. That is safe: repeating a call changes
/// nothing, a redemption included, for it carries an idempotency key.
///
/// `Ok` means that what was asked for holds. So `?` is enough: there is no state in the reply that
/// must be looked at before money is taken.
///
/// ```no_run
/// # async fn example(token: &str) -> Result<(), Box<dyn std::error::Error>> {
/// let queue = "lamp-drop".parse()?;
/// let edge = tidegate_origin::Edge::new("https://drops.example.com", "the origin key")?;
/// let admission = edge.redeem(&queue, token, None).await?;
/// edge.extend(&admission).await?;
/// // … capture the payment …
/// edge.complete(&admission).await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Edge {
    http: Client,
    base: Url,
    authorization: HeaderValue,
    limits: Limits,
}

impl Edge {
    /// The edge at `edge_url`, called with one of its `ORIGIN_KEYS`; with the defaults of
    /// [`EdgeBuilder`].
    pub fn new(edge_url: &str, origin_key: &str) -> Result<Self, ConfigError> {
        Self::builder(edge_url, origin_key).build()
    }

    /// Begins to set up calls to the edge at `edge_url` with one of its `ORIGIN_KEYS`.
    ///
    /// ```
    /// # fn main() -> Result<(), tidegate_origin::ConfigError> {
    /// use core::time::Duration;
    ///
    /// let edge = tidegate_origin::Edge::builder("http://127.0.0.1:8787", "dev-origin-key")
    ///     .patience(Duration::from_secs(5))
    ///     .build()?;
    /// # Ok(()) }
    /// ```
    pub fn builder(edge_url: &str, origin_key: &str) -> EdgeBuilder {
        EdgeBuilder {
            edge_url: edge_url.to_owned(),
            origin_key: origin_key.to_owned(),
            timeout: Duration::from_secs(5),
            limits: Limits {
                tries: 3,
                patience: Duration::from_secs(10),
            },
        }
    }

    /// Redeems a handoff token of `queue`, the one for what you sell, which works once: the
    /// admission is the shopper's from here on, and its place is held until
    /// [`Admission::expires_at`]. Another queue's token is [`EdgeError::Unauthorized`], and stays
    /// good there. Verify the token first.
    ///
    /// With the same idempotency key the same token gives the same admission again. Without one, a
    /// random key covers this call with its retries.
    ///
    /// ```no_run
    /// # use tidegate_origin::{Edge, QueueId};
    /// # async fn example(edge: Edge, queue: QueueId, token: &str) {
    /// use tidegate_origin::EdgeError;
    ///
    /// match edge.redeem(&queue, token, None).await {
    ///     Ok(admission) => println!("held until {}", admission.expires_at()),
    ///     Err(EdgeError::AlreadyRedeemed) => println!("used before: open no session"),
    ///     Err(error) if error.is_retryable() => println!("503: {error}"),
    ///     Err(error) => println!("back to the waiting room: {error}"),
    /// }
    /// # }
    /// ```
    pub async fn redeem(
        &self,
        queue: &QueueId,
        token: &str,
        idempotency_key: Option<&IdempotencyKey>,
    ) -> Result<Admission, EdgeError> {
        let key = match idempotency_key {
            Some(key) => key.clone(),
            None => IdempotencyKey::random().map_err(|error| out_of_reach(error.to_string()))?,
        };
        let url = below(&self.base, &["v1", "handoffs", "redeem"]);
        let request = self
            .http
            .post(url)
            .header("idempotency-key", key.as_str())
            .json(&json!({ "handoffToken": token, "queueId": queue }));
        let admission: Admission = self.call(request).await?;
        if admission.queue() == queue {
            Ok(admission)
        } else {
            Err(EdgeError::Unexpected {
                status: 200,
                cause: format!("the reply is about queue {}", admission.queue()),
            })
        }
    }

    /// Says that the order stands: the place is used up. Call it once the payment is captured.
    /// After the admission's end it succeeds for as long as stock remains.
    pub async fn complete(&self, admission: &Admission) -> Result<AdmissionState, EdgeError> {
        let reply = self.about(admission, "complete").await?;
        match reply.state {
            State::Completed => Ok(reply),
            State::Redeemed => Err(contradiction("complete", reply.state)),
            State::Released | State::Expired | State::Left => Err(over(reply.state)),
        }
    }

    /// Gives the place back, to the next in line. `Ok` too where it had expired by itself.
    pub async fn release(&self, admission: &Admission) -> Result<AdmissionState, EdgeError> {
        let reply = self.about(admission, "release").await?;
        match reply.state {
            State::Released | State::Expired | State::Left => Ok(reply),
            State::Redeemed => Err(contradiction("release", reply.state)),
            State::Completed => Err(used_up()),
        }
    }

    /// Holds the place for another session's time, within the queue's `maxSessionSeconds`. Call it
    /// right before money is captured, so that the place cannot end in between.
    pub async fn extend(&self, admission: &Admission) -> Result<AdmissionState, EdgeError> {
        let reply = self.about(admission, "extend").await?;
        match reply.state {
            State::Redeemed => Ok(reply),
            State::Completed => Err(used_up()),
            State::Released | State::Expired | State::Left => Err(over(reply.state)),
        }
    }

    async fn about(&self, admission: &Admission, verb: &str) -> Result<AdmissionState, EdgeError> {
        let id = admission.id();
        let queue = admission.queue().as_str();
        let url = below(
            &self.base,
            &["v1", "queues", queue, "admissions", &id.to_string(), verb],
        );
        let reply: AdmissionState = self.call(self.http.post(url)).await?;
        if reply.admission_id == id && &reply.queue_id == admission.queue() {
            Ok(reply)
        } else {
            Err(EdgeError::Unexpected {
                status: 200,
                cause: format!("the reply is about admission {}", reply.admission_id),
            })
        }
    }

    /// Makes a call, and makes it again while that may help.
    async fn call<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, EdgeError> {
        let request = request.header(AUTHORIZATION, self.authorization.clone());
        let mut tries = Tries::begin(self.limits);
        loop {
            // Fails for streamed bodies only, of which there are none.
            let Some(request) = request.try_clone() else {
                return Err(out_of_reach(String::from("the request cannot be repeated")));
            };
            let (error, asked) = match send(request).await {
                Ok(reply) => return Ok(reply),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Passing { error, asked }) => (error, asked),
            };
            match tries.pause(asked) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(error),
            }
        }
    }
}

impl fmt::Debug for Edge {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Edge")
            .field("base", &self.base.as_str())
            .finish_non_exhaustive()
    }
}

/// Sets up an [`Edge`]; see [`Edge::builder`].
#[derive(Clone)]
pub struct EdgeBuilder {
    edge_url: String,
    origin_key: String,
    timeout: Duration,
    limits: Limits,
}

impl EdgeBuilder {
    /// The longest that one try may take. 5 s, unless set.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How often a call is tried in all. 3, unless set.
    #[must_use]
    pub const fn tries(mut self, tries: u32) -> Self {
        self.limits.tries = tries;
        self
    }

    /// The time into a call after which no further try begins. 10 s, unless set.
    #[must_use]
    pub const fn patience(mut self, patience: Duration) -> Self {
        self.limits.patience = patience;
        self
    }

    /// Makes the client. Nothing is sent yet.
    pub fn build(self) -> Result<Edge, ConfigError> {
        let invalid = |_| ConfigError::InvalidOriginKey;
        if self.origin_key.is_empty() {
            return Err(ConfigError::InvalidOriginKey);
        }
        let mut authorization: HeaderValue = format!("Bearer {}", self.origin_key)
            .parse()
            .map_err(invalid)?;
        authorization.set_sensitive(true);
        Ok(Edge {
            http: client(self.timeout)?,
            base: trusted_url(&self.edge_url)?,
            authorization,
            limits: self.limits,
        })
    }
}

fn over(state: State) -> EdgeError {
    EdgeError::AdmissionExpired(format!("it is {}", name(state)))
}

fn used_up() -> EdgeError {
    EdgeError::Conflict(String::from("it is completed"))
}

fn contradiction(verb: &str, state: State) -> EdgeError {
    EdgeError::Unexpected {
        status: 200,
        cause: format!("after {verb} the admission is {}", name(state)),
    }
}

const fn name(state: State) -> &'static str {
    match state {
        State::Redeemed => "held",
        State::Completed => "completed",
        State::Released => "released",
        State::Expired => "expired",
        State::Left => "given up",
    }
}
