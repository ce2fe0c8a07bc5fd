//! What can go wrong, and what the caller can do about it.

use core::fmt;
use core::time::Duration;

/// Why a [`Verifier`](crate::Verifier) or an [`Edge`](crate::Edge) could not be built. All are
/// mistakes of configuration: fix the setting and start again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// The URL does not parse, or holds credentials, a query or a fragment.
    InvalidUrl(String),
    /// The URL is plain `http` to another machine. Keys and tokens travel over `https` only; `http`
    /// is for loopback.
    NotHttps(String),
    /// The origin key is empty or holds bytes that no HTTP header can carry.
    InvalidOriginKey,
    /// The audience is empty, and no token is for nobody.
    EmptyAudience,
    /// The idempotency key is not 1 to 128 visible ASCII characters.
    InvalidIdempotencyKey,
    /// The operating system gives no random bytes.
    NoRandomness,
    /// The HTTP client could not be set up, for instance because no root certificates were found.
    HttpClient(String),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidUrl(url) => write!(
                formatter,
                "\"{url}\" is no usable URL: give scheme and host, without credentials or query"
            ),
            Self::NotHttps(url) => {
                write!(
                    formatter,
                    "\"{url}\" is not https: http is for loopback only"
                )
            }
            Self::InvalidOriginKey => {
                formatter.write_str("the origin key is empty or not a header value")
            }
            Self::EmptyAudience => formatter.write_str("the audience is empty"),
            Self::InvalidIdempotencyKey => {
                formatter.write_str("an idempotency key is 1 to 128 visible ASCII characters")
            }
            Self::NoRandomness => formatter.write_str("the operating system gives no random bytes"),
            Self::HttpClient(cause) => {
                write!(formatter, "the HTTP client cannot be set up: {cause}")
            }
        }
    }
}

impl core::error::Error for ConfigError {}

/// Why a token was not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerifyError {
    /// It is malformed, altered, expired, or for another shop. Answer 401 and send the shopper back
    /// to the waiting room; trying again cannot help.
    Invalid,
    /// The edge publishes no key with the token's `kid`. Answer as for [`Invalid`](Self::Invalid);
    /// should real shoppers see it, the edge signs with a key that it does not publish.
    UnknownKey,
    /// The token's key is not known and the edge's keys could not be fetched. The token may be
    /// good: answer 503 and let the shopper try again after the time given.
    KeysUnreachable {
        /// When another fetch will be tried.
        retry_after: Duration,
        /// What went wrong, for logs.
        cause: String,
    },
}

impl VerifyError {
    /// Whether the same token may be accepted later.
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::KeysUnreachable { .. })
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid => {
                formatter.write_str("the handoff token is malformed, expired, or for another shop")
            }
            Self::UnknownKey => formatter
                .write_str("the handoff token is signed with a key that the edge does not publish"),
            Self::KeysUnreachable { retry_after, cause } => write!(
                formatter,
                "the edge's keys are out of reach ({cause}): try again in {} s",
                retry_after.as_secs().max(1)
            ),
        }
    }
}

impl core::error::Error for VerifyError {}

/// Why the edge did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EdgeError {
    /// The origin key is not good there, or the token is not. With a token that was verified, look
    /// at the key: the edge's `ORIGIN_KEYS` should list it.
    Unauthorized(String),
    /// The origin key is not good for this queue: its entry in `ORIGIN_KEYS` lists others.
    Forbidden(String),
    /// The token was redeemed before, under another idempotency key. Do not open a session; a
    /// shopper who has one already goes on with it.
    AlreadyRedeemed,
    /// The admission is over: it expired or was released, or its queue was reset. Take no money;
    /// send the shopper back to the waiting room.
    AdmissionExpired(String),
    /// The admission had expired and the stock is gone since. Take no money, refund what was taken.
    SoldOut,
    /// The edge knows no such queue or admission.
    NotFound(String),
    /// The admission's state rules this out: a completed one is not released or extended any more.
    Conflict(String),
    /// The edge found the request malformed; the two sides may be of different versions.
    InvalidRequest(String),
    /// The edge is out of reach or overloaded, or the reply was lost, also after the retries. Every
    /// call may be repeated; a redemption only with the same idempotency key.
    Unavailable {
        /// How long to wait before another try.
        retry_after: Duration,
        /// What went wrong, for logs.
        cause: String,
    },
    /// The reply was not understood: something other than Tidegate may have answered.
    Unexpected {
        /// Its HTTP status.
        status: u16,
        /// What was not understood, for logs.
        cause: String,
    },
}

impl EdgeError {
    /// Whether the same call may succeed later.
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}

impl fmt::Display for EdgeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unauthorized(detail) => {
                write!(
                    formatter,
                    "the edge refused the origin key or the token: {detail}"
                )
            }
            Self::Forbidden(detail) => {
                write!(
                    formatter,
                    "the origin key is not good for this queue: {detail}"
                )
            }
            Self::AlreadyRedeemed => formatter.write_str("the handoff token was redeemed already"),
            Self::AdmissionExpired(detail) => write!(formatter, "the admission is over: {detail}"),
            Self::SoldOut => formatter.write_str("the admission is over and the stock is gone"),
            Self::NotFound(detail) => write!(formatter, "unknown to the edge: {detail}"),
            Self::Conflict(detail) => {
                write!(formatter, "the admission's state forbids it: {detail}")
            }
            Self::InvalidRequest(detail) => {
                write!(formatter, "the edge found the request malformed: {detail}")
            }
            Self::Unavailable { retry_after, cause } => write!(
                formatter,
                "the edge is out of reach ({cause}): try again in {} s",
                retry_after.as_secs().max(1)
            ),
            Self::Unexpected { status, cause } => {
                write!(
                    formatter,
                    "the edge's reply (status {status}) was not understood: {cause}"
                )
            }
        }
    }
}

impl core::error::Error for EdgeError {}
