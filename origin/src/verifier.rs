//! Verifying handoff tokens offline, against the edge's published keys.

use core::fmt;
use core::time::Duration;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use reqwest::Url;
use tidegate_core::UnixMillis;
use tidegate_core::ids::QueueId;
use tidegate_core::token::handoff::{Expected, Handoff, PublicKeys, Refusal};

use crate::error::{ConfigError, VerifyError};
use crate::http::{below, client, trusted_url};
use crate::keys::{KeyCache, Known, Pace};

/// Verifies handoff tokens. Cheap to clone; clones share the keys.
///
/// Keys are fetched on first use, when a token names a key that is not known (at most once in ten
/// seconds, whatever is sent), and in the background once they are five minutes old. So the edge's
/// keys rotate without a restart, and while the edge is out of reach the known keys go on working.
///
/// It is one queue's: a token of a queue that is quick to get through must not pass where a popular
/// one's is wanted. A checkout that sells for several queues has a verifier for each.
///
/// A verified token says that its bearer was admitted, not that it was not used before: redeem it
/// with [`Edge::redeem`](crate::Edge::redeem) before you open a session.
///
/// ```no_run
/// # async fn example(token: &str) -> Result<(), Box<dyn std::error::Error>> {
/// let queue = "lamp-drop".parse()?;
/// let verifier = tidegate_origin::Verifier::new("https://drops.example.com", queue)?;
/// let handoff = verifier.verify(token).await?;
/// println!("{} of {}", handoff.position, handoff.queue);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Verifier {
    inner: Arc<Inner>,
}

struct Inner {
    issuer: String,
    audience: String,
    queue: QueueId,
    leeway: Duration,
    cache: Arc<KeyCache>,
}

impl Verifier {
    /// A verifier of tokens that the edge at `edge_url` signs for `queue`, with the defaults of
    /// [`VerifierBuilder`].
    pub fn new(edge_url: &str, queue: QueueId) -> Result<Self, ConfigError> {
        Self::builder(edge_url, queue).build()
    }

    /// Begins to set up a verifier of tokens that the edge at `edge_url` signs for `queue`.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use core::time::Duration;
    /// use tidegate_origin::Verifier;
    ///
    /// let verifier = Verifier::builder("http://127.0.0.1:8787", "lamp-drop".parse()?)
    ///     .issuer("https://drops.example.com")
    ///     .leeway(Duration::from_secs(2))
    ///     .build()?;
    /// # Ok(()) }
    /// ```
    pub fn builder(edge_url: &str, queue: QueueId) -> VerifierBuilder {
        VerifierBuilder {
            edge_url: edge_url.to_owned(),
            jwks_url: None,
            issuer: edge_url.trim_end_matches('/').to_owned(),
            audience: queue.to_string(),
            queue,
            leeway: Duration::from_secs(5),
            timeout: Duration::from_secs(3),
            pace: Pace {
                window: Duration::from_secs(10),
                refresh_after: Duration::from_mins(5),
            },
        }
    }

    /// Verifies a token as of now.
    ///
    /// Runs inside a Tokio runtime. It waits for the network only where the token's key is not
    /// known, and then no longer than the timeout.
    pub async fn verify(&self, token: &str) -> Result<Handoff, VerifyError> {
        let cache = &self.inner.cache;
        let known = cache.known();
        match self.check(&known.keys, token) {
            Ok(handoff) => {
                cache.refresh_if_old(&known);
                Ok(handoff)
            }
            Err(Refusal::Invalid) => Err(VerifyError::Invalid),
            Err(Refusal::UnknownKey) => {
                let known = cache.refetch(&known).await;
                self.check(&known.keys, token)
                    .map_err(|refusal| match refusal {
                        Refusal::Invalid => VerifyError::Invalid,
                        Refusal::UnknownKey => self.unknown_key(known),
                    })
            }
        }
    }

    /// Fetches the keys now, unless they were fetched a moment ago: for a health check, or so that
    /// the first shopper does not wait for them.
    ///
    /// ```no_run
    /// # async fn example(verifier: tidegate_origin::Verifier) {
    /// if let Err(error) = verifier.load_keys().await {
    ///     eprintln!("starting without keys: {error}");
    /// }
    /// # }
    /// ```
    pub async fn load_keys(&self) -> Result<(), VerifyError> {
        let known = self.inner.cache.refetch(&self.inner.cache.known()).await;
        if known.fault.is_some() {
            Err(self.unknown_key(known))
        } else {
            Ok(())
        }
    }

    fn check(&self, keys: &PublicKeys, token: &str) -> Result<Handoff, Refusal> {
        let expected = Expected {
            issuer: Some(&self.inner.issuer),
            audience: Some(&self.inner.audience),
            queue: Some(&self.inner.queue),
            leeway_seconds: self.inner.leeway.as_secs(),
        };
        keys.verify(token, &expected, now())
    }

    fn unknown_key(&self, known: Known) -> VerifyError {
        let retry_after = known
            .wait(self.inner.cache.pace)
            .max(Duration::from_secs(1));
        match known.fault {
            Some(cause) => VerifyError::KeysUnreachable { retry_after, cause },
            None => VerifyError::UnknownKey,
        }
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Verifier")
            .field("issuer", &self.inner.issuer)
            .field("audience", &self.inner.audience)
            .field("queue", &self.inner.queue)
            .finish_non_exhaustive()
    }
}

fn now() -> UnixMillis {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    UnixMillis::try_from(since.as_millis()).unwrap_or(UnixMillis::MAX)
}

/// Sets up a [`Verifier`]; see [`Verifier::builder`].
#[derive(Clone)]
pub struct VerifierBuilder {
    edge_url: String,
    jwks_url: Option<String>,
    issuer: String,
    audience: String,
    queue: QueueId,
    leeway: Duration,
    timeout: Duration,
    pace: Pace,
}

impl VerifierBuilder {
    /// Who must have signed (`iss`): the edge's `ISSUER` setting. The edge's URL, unless set.
    #[must_use]
    pub fn issuer(mut self, issuer: &str) -> Self {
        issuer.clone_into(&mut self.issuer);
        self
    }

    /// Whom a token must be for (`aud`): the queue's `audience` setting. The queue's id, unless
    /// set.
    #[must_use]
    pub fn audience(mut self, audience: &str) -> Self {
        audience.clone_into(&mut self.audience);
        self
    }

    /// Where the keys are published. `/.well-known/jwks.json` below the edge's URL, unless set.
    #[must_use]
    pub fn jwks_url(mut self, url: &str) -> Self {
        self.jwks_url = Some(url.to_owned());
        self
    }

    /// How far this clock and the edge's may be apart, in whole seconds. 5 s, unless set.
    #[must_use]
    pub const fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// The longest that one fetch of the keys may take. 3 s, unless set.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The shortest time between two fetches of the keys, whatever tokens come. 10 s, unless set;
    /// 2 s at most after a failed fetch.
    #[must_use]
    pub const fn fetch_window(mut self, window: Duration) -> Self {
        self.pace.window = window;
        self
    }

    /// The age from which keys are refreshed in the background. 5 min, unless set; a key that the
    /// edge withdraws is accepted here for about that long.
    #[must_use]
    pub const fn refresh_after(mut self, age: Duration) -> Self {
        self.pace.refresh_after = age;
        self
    }

    /// Makes the verifier. Nothing is fetched yet.
    pub fn build(self) -> Result<Verifier, ConfigError> {
        if self.audience.is_empty() {
            return Err(ConfigError::EmptyAudience);
        }
        let url: Url = match &self.jwks_url {
            Some(url) => trusted_url(url)?,
            None => below(&trusted_url(&self.edge_url)?, &[".well-known", "jwks.json"]),
        };
        let cache = KeyCache::new(client(self.timeout)?, url, self.pace);
        let inner = Inner {
            issuer: self.issuer,
            audience: self.audience,
            queue: self.queue,
            leeway: self.leeway,
            cache,
        };
        Ok(Verifier {
            inner: Arc::new(inner),
        })
    }
}
