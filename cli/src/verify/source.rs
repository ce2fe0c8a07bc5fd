//! Where an audit comes from: a file, stdin, or a deployment, page by page.

use core::time::Duration;
use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::timeout;
use url::Url;

use tidegate_judge::opening::{Document, Keys, Published, differences, read};

use super::fetch::{Fault, Fetcher, address};
use crate::failure::Failure;
use crate::input;

/// The largest audit that is read, all pages together: about a million groups.
const AUDIT_MAX: usize = 256 * 1024 * 1024;
/// The most pages, and the longest time for all of them.
const PAGES_MAX: u64 = 2_000;
const TIME_MAX: Duration = Duration::from_mins(15);
const JWKS_MAX: usize = 1024 * 1024;
const JWKS_PATH: &str = "/.well-known/jwks.json";

/// An audit as it was found. What came and is none is an error of the format.
pub type Read = Result<Document, String>;

/// Where an audit is.
pub enum Source<'a> {
    File(&'a Path),
    Address(Url),
}

impl<'a> Source<'a> {
    /// Understands a word of the command line.
    pub fn of(word: &'a str) -> Result<Self, Failure> {
        match address(word) {
            Some(url) => url.map(Self::Address),
            None => Ok(Self::File(Path::new(word))),
        }
    }

    /// Reads it.
    pub async fn read(&self) -> Result<Read, Failure> {
        match self {
            Self::File(path) => {
                let bytes = unread(input::bytes_or_stdin(path, u64_of(AUDIT_MAX)))?;
                Ok(read(&bytes))
            }
            Self::Address(url) => {
                let fetcher = Fetcher::new(url)?;
                let pages = Pages::new(&fetcher, url);
                timeout(TIME_MAX, pages.read())
                    .await
                    .map_err(|_| {
                        let minutes = TIME_MAX.as_secs().div_euclid(60);
                        Failure::usage(format!("{url} was not read within {minutes} minutes"))
                    })?
                    .map_err(|fault| match fault {
                        Fault::Refused(text) => Failure::failed(text),
                        Fault::Unreachable(text) => Failure::usage(text),
                    })
            }
        }
    }

    /// Reads the keys: those that were named, or else those at the audit's origin.
    pub async fn keys(&self, named: Option<&str>) -> Result<Keys, Failure> {
        let url = match (named.map(Source::of).transpose()?, self) {
            (Some(Source::File(path)), _) => {
                let bytes = unread(input::bytes_or_stdin(path, u64_of(JWKS_MAX)))?;
                let place = path.display().to_string();
                return Published::read(&bytes, place.clone())
                    .map(Keys::Published)
                    .map_err(|fault| Failure::usage(format!("{place} is no key set: {fault}")));
            }
            (Some(Source::Address(url)), _) => url,
            (None, Self::Address(url)) => {
                let mut url = url.clone();
                url.set_path(JWKS_PATH);
                url.set_query(None);
                url.set_fragment(None);
                url
            }
            (None, Self::File(_)) => return Ok(Keys::NotGiven),
        };
        let fetched = Fetcher::new(&url)?.get(&url, JWKS_MAX).await;
        let keys = fetched
            .map_err(Fault::into_text)
            .and_then(|bytes| Published::read(&bytes, url.to_string()));
        Ok(match keys {
            Ok(published) => Keys::Published(published),
            Err(fault) => Keys::Refused(fault),
        })
    }
}

/// A file that cannot be read is wrong use.
pub fn unread<T>(result: Result<T, Failure>) -> Result<T, Failure> {
    result.map_err(|failure| Failure::usage(failure.message()))
}

fn u64_of(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// The pages of an audit at an address.
struct Pages<'a> {
    fetcher: &'a Fetcher,
    url: Url,
    left: usize,
}

impl<'a> Pages<'a> {
    fn new(fetcher: &'a Fetcher, url: &Url) -> Self {
        let mut url = url.clone();
        let others: Vec<(String, String)> = url
            .query_pairs()
            .filter(|(name, _)| name != "page")
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        url.set_query(None);
        url.set_fragment(None);
        if !others.is_empty() {
            url.query_pairs_mut().extend_pairs(others);
        }
        Self {
            fetcher,
            url,
            left: AUDIT_MAX,
        }
    }

    /// Reads all pages, and sees that they agree.
    async fn read(mut self) -> Result<Read, Fault> {
        let mut whole = match self.get(0).await? {
            Ok(document) => document,
            Err(fault) => return Ok(Err(fault)),
        };
        // A server of a saved audit serves all groups at once.
        if whole.pages <= 1 || is_whole(&whole) {
            return Ok(Ok(whole));
        }
        if whole.pages > PAGES_MAX {
            let fault = format!("pages: {}, and at most {PAGES_MAX} are read", whole.pages);
            return Ok(Err(fault));
        }
        let mut groups = whole.groups.take().unwrap_or_default();
        let bar = progress_bar(whole.pages);
        for number in 1..whole.pages {
            bar.set_position(number);
            let mut page = match self.get(number).await? {
                Ok(page) => page,
                Err(fault) => return Ok(Err(format!("page {number}: {fault}"))),
            };
            let more = page.groups.take().unwrap_or_default();
            if more.is_empty() {
                return Ok(Err(format!("page {number}: groups: none")));
            }
            groups.extend(more);
            let other = differences(&whole, &page);
            if !other.is_empty() {
                let fields = other.join(", ");
                return Ok(Err(format!("page {number} and page 0 differ: {fields}")));
            }
        }
        bar.finish_and_clear();
        whole.groups = Some(groups);
        Ok(Ok(whole))
    }

    async fn get(&mut self, number: u64) -> Result<Read, Fault> {
        let mut url = self.url.clone();
        if number > 0 {
            url.query_pairs_mut()
                .append_pair("page", &number.to_string());
        }
        let bytes = self.fetcher.get(&url, self.left).await?;
        self.left = self.left.saturating_sub(bytes.len());
        Ok(read(&bytes))
    }
}

fn is_whole(document: &Document) -> bool {
    let groups = document.groups.as_deref().unwrap_or_default();
    let granted = groups.iter().map(|group| u64::from(group.granted));
    granted.fold(0, u64::saturating_add) == document.entrants
}

/// Shown where stderr is a terminal.
fn progress_bar(pages: u64) -> ProgressBar {
    let bar = ProgressBar::new(pages);
    // The words are a valid style.
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {human_pos} of {human_len} pages") {
        bar.set_style(style);
    }
    bar
}
