//! Where a deployment is, and the key that is shown there.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use reqwest::header::HeaderValue;
use tidegate_core::address::is_loopback;
use url::Url;

use super::KEY_VARIABLE;
use crate::failure::Failure;
use crate::{input, keys};

/// What `scripts/dev` lets in.
const DEVELOPMENT_KEY: &str = "dev-admin-key";
/// The largest file that a key is read from.
const KEY_FILE_MAX: u64 = 1024 * 1024;
/// What to name instead of a file that holds no key.
const KEY_FILE_REMEDY: &str =
    "--key-file names a file that holds a key alone, or one that tidegate keys new made";

/// A deployment's address, which a key may be sent to.
#[derive(Debug)]
pub struct Edge {
    url: Url,
    loopback: bool,
}

/// An admin key, and where it came from.
#[derive(Debug)]
pub struct AdminKey {
    /// As a header. It does not print.
    pub authorization: HeaderValue,
    source: KeySource,
}

#[derive(Debug)]
enum KeySource {
    File(PathBuf),
    Variable,
    Development,
}

impl Edge {
    /// Reads an address: https anywhere, http on loopback only, where nobody can listen in.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let unusable = || {
            Failure::usage(format!("\"{text}\" is no address of a Worker"))
                .remedy("give --url or TIDEGATE_URL as https://drops.example.com")
        };
        let url = Url::parse(text).map_err(|_| unusable())?;
        if !url.has_host() {
            return Err(unusable());
        }
        let loopback = is_loopback(&url);
        let bare = url.username().is_empty() && url.password().is_none();
        let whole = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        match url.scheme() {
            "https" | "http" if bare && !whole => Err(Failure::usage(format!(
                "{text} is more than an address: it has a path, a query or a fragment"
            ))
            .remedy(format!(
                "a Worker answers at its host's root: give {}",
                url.origin().ascii_serialization()
            ))),
            "https" if bare => Ok(Self { url, loopback }),
            "http" if bare && loopback => Ok(Self { url, loopback }),
            "http" if bare => Err(Failure::usage(format!(
                "{text} is not https: the admin key would travel in the clear"
            ))
            .remedy("use https; http is for this machine only")),
            _ => Err(unusable()),
        }
    }

    /// The address, without a slash at its end.
    pub fn name(&self) -> &str {
        self.url.as_str().trim_end_matches('/')
    }

    /// Whether it is on this machine.
    pub fn is_loopback(&self) -> bool {
        self.loopback
    }

    /// The URL of `path` below `/v1/admin`.
    pub fn admin_url(&self, path: &[String], query: &[(&str, String)]) -> Url {
        let mut url = self.url.clone();
        // Fails for URLs such as `mailto:` only, which `parse` lets nobody have.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["v1", "admin"]).extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    /// The key to show: the file's, or else the variable's, or else on loopback the development
    /// key.
    pub fn admin_key(
        &self,
        file: Option<&Path>,
        variable: Option<OsString>,
    ) -> Result<AdminKey, Failure> {
        let variable = variable.filter(|value| !value.is_empty());
        let (key, source) = match (file, variable) {
            (Some(path), _) => (read_admin_key(path)?, KeySource::File(path.to_owned())),
            (None, Some(value)) => {
                let key = value.into_string().unwrap_or_default();
                (key.trim().to_owned(), KeySource::Variable)
            }
            (None, None) if self.loopback => (DEVELOPMENT_KEY.to_owned(), KeySource::Development),
            (None, None) => {
                return Err(
                    Failure::usage(format!("no admin key for {}", self.name())).remedy(format!(
                        "set {KEY_VARIABLE}, or name a file that holds it: --key-file FILE"
                    )),
                );
            }
        };
        match bearer(&key) {
            Some(authorization) => Ok(AdminKey {
                authorization,
                source,
            }),
            None => Err(
                Failure::usage(format!("{} is no admin key", source.description())).remedy(
                    "a key is one word of visible ASCII characters, alone or in a file of secrets",
                ),
            ),
        }
    }
}

impl AdminKey {
    /// Where it came from, to begin a sentence with.
    pub fn source(&self) -> String {
        self.source.description()
    }
}

impl KeySource {
    fn description(&self) -> String {
        match self {
            Self::File(path) => format!("the key in {}", path.display()),
            Self::Variable => format!("the key in {KEY_VARIABLE}"),
            Self::Development => format!("the development key {DEVELOPMENT_KEY}"),
        }
    }
}

/// A key as a header that does not print, if a header can carry it.
pub fn bearer(key: &str) -> Option<HeaderValue> {
    let visible = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic());
    let mut authorization = HeaderValue::from_str(&format!("Bearer {key}")).ok()?;
    authorization.set_sensitive(true);
    visible.then_some(authorization)
}

/// The text of the file that `--key-file` names. One that cannot be read is wrong use.
pub fn read_key_file(path: &Path) -> Result<String, Failure> {
    input::file(path, KEY_FILE_MAX)
        .map_err(|failure| Failure::usage(failure.message()).remedy(KEY_FILE_REMEDY))
}

fn read_admin_key(path: &Path) -> Result<String, Failure> {
    let text = read_key_file(path)?;
    if text.trim_start().starts_with('{') {
        keys::first_admin_key(&text).ok_or_else(|| {
            Failure::usage(format!("{} holds no ADMIN_KEYS", path.display()))
                .remedy(KEY_FILE_REMEDY)
        })
    } else {
        Ok(text.trim().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(url: &str) -> Edge {
        Edge::parse(url).unwrap()
    }

    #[test]
    fn plain_http_is_for_this_machine_only() {
        for good in [
            "https://a.example",
            "http://localhost:1",
            "http://127.0.0.2:1",
            "http://[::1]:1",
        ] {
            assert!(Edge::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "a.example",
            "http://a.example",
            "http://localhost.a.example",
            "ftp://127.0.0.1",
            "https://u:p@a.example",
            "https://a.example/?x",
            "https://a.example/#x",
            "https://a.example/gate",
            "http://127.0.0.1:1/v1",
            "mailto:a@a.example",
        ] {
            assert!(Edge::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn calls_go_below_the_address() {
        let path = [String::from("queues"), String::from("a b")];
        for base in ["https://a.example", "https://a.example/"] {
            assert_eq!(
                edge(base)
                    .admin_url(&path, &[("state", "x&y".into())])
                    .as_str(),
                "https://a.example/v1/admin/queues/a%20b?state=x%26y"
            );
        }
    }

    #[test]
    fn an_address_with_a_path_is_told_without_it() {
        let failure = Edge::parse("http://127.0.0.1:8787/queue/lamp").unwrap_err();
        let text = failure.into_output().0.stderr;
        assert!(text.ends_with("give http://127.0.0.1:8787\n"), "{text}");
    }

    #[test]
    fn the_development_key_stays_on_this_machine() {
        let here = edge("http://127.0.0.1:8787");
        assert_eq!(
            here.admin_key(None, None).unwrap().authorization,
            "Bearer dev-admin-key"
        );
        assert_eq!(
            here.admin_key(None, Some("".into())).unwrap().authorization,
            "Bearer dev-admin-key"
        );
        assert!(edge("https://a.example").admin_key(None, None).is_err());
    }

    #[test]
    fn a_key_that_no_header_can_carry_is_refused_without_showing_it() {
        let here = edge("http://127.0.0.1:8787");
        for bad in ["two words", "line\nbreak", "ü", " "] {
            let failure = here.admin_key(None, Some(bad.into())).unwrap_err();
            let text = failure.into_output().0.stderr;
            assert!(text.contains("TIDEGATE_ADMIN_KEY"), "{text}");
            assert!(bad == " " || !text.contains(bad), "{text}");
        }
    }

    #[test]
    fn a_key_does_not_print() {
        let key = edge("http://[::1]")
            .admin_key(None, Some("hidden".into()))
            .unwrap();
        assert!(!format!("{key:?}").contains("hidden"));
    }
}
