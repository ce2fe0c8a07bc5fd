//! A call of the edge as a machine: it answers, or says what it needs to go on. The code of a call
//! is an `async` function that waits for nothing but
//! [`Context::demand`](super::context::Context::demand): a driver sees what is demanded, fetches it
//! by whatever means it has, and resumes the call with it. There is no runtime, and nothing else to
//! wait for.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{self, Poll, Waker};

use super::answer::Answer;
use super::request::Rest;
use crate::UnixMillis;

/// A class of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the classes'")]
pub enum Object {
    Directory,
    Queue,
    Lane,
    Relay,
}

impl Object {
    /// The name of the binding that reaches its objects.
    pub const fn binding(self) -> &'static str {
        match self {
            Self::Directory => "DIRECTORY",
            Self::Queue => "QUEUE",
            Self::Lane => "LANE",
            Self::Relay => "RELAY",
        }
    }
}

impl Object {
    /// How long its reply may take: what never settles ends as out of reach, and is asked anew. A
    /// lane waits for its queue, and a view that is late is served as it was.
    pub const fn patience_millis(self) -> u64 {
        match self {
            Self::Directory | Self::Relay => 3_000,
            Self::Queue | Self::Lane => 12_000,
        }
    }
}

/// What a call needs to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Demand {
    /// What an object replies to a call. Comes back as text, or as nothing where the object is out
    /// of reach.
    Ask {
        /// The object's class.
        object: Object,
        /// Its name.
        name: String,
        /// The call, as it travels.
        call: String,
    },
    /// The Ed25519 signature of `input`, in base64url, by the handoff key with this `x`.
    Sign {
        /// The key.
        key: String,
        /// What is signed.
        input: String,
    },
    /// Whether that is the signature of `input`. Comes back as yes or no.
    Verify {
        /// The key, by its `x`.
        key: String,
        /// What was signed.
        input: String,
        /// The signature, in base64url.
        signature: String,
    },
    /// The headers that few calls look at.
    Rest,
    /// The body; nothing where it broke off, and too much where it is larger than any call takes.
    Body,
    /// What a secret binding holds, if it is set.
    Secret(&'static str),
    /// What a variable of the configuration says, unless it is empty.
    Variable(&'static str),
    /// The text that the data centre's cache keeps at this address, if any.
    Cached(String),
    /// That the data centre's cache keeps a text.
    Cache {
        /// Where.
        address: String,
        /// The text.
        text: String,
        /// For how long, and how it is answered to others: a `Cache-Control`.
        policy: String,
        /// Whether the call goes on once it is there, and not before.
        wait: bool,
    },
    /// That so many milliseconds pass.
    Sleep(u64),
    /// A socket from the relay of this name. Nothing comes back where the relay gave one, and its
    /// refusal where it did not.
    Upgrade {
        /// The relay's name.
        name: String,
        /// The call, as it travels.
        call: String,
    },
}

/// What a demand is met with.
#[derive(Clone, Debug)]
pub enum Supply {
    /// Nothing: there is none, it is out of reach, or it is done.
    Nothing,
    /// A text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// More than is taken.
    TooMuch,
    /// Yes or no.
    Is(bool),
    /// The headers that few calls look at.
    Rest(Box<Rest>),
}

/// What a driver does next.
#[derive(Debug)]
pub enum Step<A = Answer> {
    /// Answers.
    Answer(A),
    /// Meets a demand, and resumes the call.
    Demand(Demand),
}

/// What passes between a call and its driver.
#[derive(Default)]
pub(super) struct Port {
    now: Cell<UnixMillis>,
    demand: RefCell<Option<Demand>>,
    supply: RefCell<Option<Supply>>,
}

impl Port {
    /// The time, as of the last step.
    pub(super) const fn now(&self) -> UnixMillis {
        self.now.get()
    }

    /// Says what the call needs, and waits until a driver brings it.
    pub(super) async fn demand(&self, demand: Demand) -> Supply {
        self.demand.replace(Some(demand));
        poll_fn(|_| match self.supply.take() {
            Some(supply) => Poll::Ready(supply),
            None => Poll::Pending,
        })
        .await
    }
}

/// A call that has begun.
pub struct Pending<A = Answer> {
    code: Pin<Box<dyn Future<Output = A>>>,
    port: Rc<Port>,
}

impl<A> Pending<A> {
    pub(super) fn new(port: Rc<Port>, code: impl Future<Output = A> + 'static) -> Self {
        Self {
            code: Box::pin(code),
            port,
        }
    }

    /// Takes the first step.
    pub fn begin(&mut self, now: UnixMillis) -> Step<A> {
        self.port.now.set(now);
        let mut context = task::Context::from_waker(Waker::noop());
        match self.code.as_mut().poll(&mut context) {
            Poll::Ready(answer) => Step::Answer(answer),
            // A call waits for its demands alone, so there is one.
            Poll::Pending => Step::Demand(self.port.demand.take().unwrap_or(Demand::Sleep(0))),
        }
    }

    /// Takes the next step with what was demanded.
    pub fn resume(&mut self, supply: Supply, now: UnixMillis) -> Step<A> {
        self.port.supply.replace(Some(supply));
        self.begin(now)
    }
}
