//! The pages that an edge answers with. Another crate renders them: here is what each is made of.

use std::rc::Rc;

use super::message::Message;
use crate::ids::EntryKey;
use crate::problem::Code;
use crate::queue::event::Grant;
use crate::view::snapshot::EdgeView;
use crate::view::status::Status;

/// What the waiting room shows.
#[derive(Debug)]
pub struct Room {
    /// The queue.
    pub view: Rc<EdgeView>,
    /// Where its reader stands.
    pub status: Status,
    /// What a form post ended with.
    pub message: Option<Message>,
    /// An admission, and its signed token.
    pub held: Option<(Grant, String)>,
    /// What the form that joins enters with.
    pub entry_key: EntryKey,
}

/// A page that stands in where another failed.
#[derive(Debug)]
pub struct Failure<'a> {
    /// What failed.
    pub code: Code,
    /// It was the shop that did not answer.
    pub is_shop: bool,
    /// What names the request.
    pub request_id: &'a str,
    /// The path that a reader may try again.
    pub again: Option<&'a str>,
    /// After how many seconds the page does so by itself.
    pub after_seconds: Option<u32>,
}

/// A file that pages load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asset {
    /// `Content-Type`.
    pub content_type: &'static str,
    /// `Cache-Control`: a year, or `no-store` where the name asked for is of another version.
    pub cache_control: &'static str,
    /// The content, UTF-8.
    pub body: &'static str,
}

/// What renders pages. `None` says that it could not.
pub trait Pages {
    /// The waiting room.
    fn room(&self, room: &Room) -> Option<String>;
    /// A page that stands in where another failed.
    fn failure(&self, failure: &Failure<'_>) -> Option<String>;
    /// The file at a path.
    fn asset(&self, path: &str) -> Option<Asset>;
    /// The `Content-Security-Policy` of a page whose form leads to `checkout`, a site's origin, if
    /// to another site.
    fn policy(&self, checkout: Option<&str>) -> String;
}
