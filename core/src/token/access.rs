//! Who may call as operator or origin: named bearer keys, each with the queues it is good for.

use hmac_sha256::Hash;
use serde::Deserialize;
use subtle::{Choice, ConstantTimeEq};

use super::keys::{DEVELOPMENT_MARK, Reach, misconfigured};
use crate::ids::QueueId;
use crate::problem::{Code, Problem};
use crate::reading;

/// The shortest key that a deployment is made with, in bytes: shorter ones are for development, or
/// could be guessed.
pub const ACCESS_KEY_MIN: usize = 32;

/// One entry of `ADMIN_KEYS` or `ORIGIN_KEYS`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    key: String,
    /// Queue ids it is good for, each exact or ending in `*`. All, where absent.
    #[serde(default)]
    queues: Option<Vec<String>>,
}

/// The keys of one role.
pub struct AccessKeys {
    entries: Vec<(Entry, [u8; 32])>,
}

/// A caller whose key was good.
#[derive(Clone, Copy)]
pub struct Caller<'a> {
    entry: &'a Entry,
}

fn read_entries(binding: &str, text: &str) -> Result<Vec<Entry>, Problem> {
    reading::parse(text).map_err(|_| {
        misconfigured(&format!(
            "{binding} is not a JSON list of {{\"name\", \"key\", \"queues\"?}}"
        ))
    })
}

/// Refuses the secret `binding` where it holds a key that nobody should deploy.
pub fn check_deployable(binding: &str, text: &str) -> Result<(), Problem> {
    let entries = read_entries(binding, text)?;
    let weak = |entry: &&Entry| {
        entry.key.len() < ACCESS_KEY_MIN || entry.key.starts_with(DEVELOPMENT_MARK)
    };
    match entries.iter().find(weak) {
        Some(entry) => Err(misconfigured(&format!(
            "{binding} holds a key that could be guessed, or is for development: \"{}\" (a key has \
             {ACCESS_KEY_MIN} characters or more)",
            entry.name
        ))),
        None => Ok(()),
    }
}

impl AccessKeys {
    /// Reads the secret `binding`: a JSON list of `{"name", "key", "queues"?}`.
    pub fn read(binding: &str, text: &str, reach: Reach) -> Result<Self, Problem> {
        let entries = read_entries(binding, text)?
            .into_iter()
            // An empty key would let an empty bearer in.
            .filter(|entry| !entry.key.is_empty() && reach.admits(&entry.key))
            .map(|entry| {
                let digest = Hash::hash(entry.key.as_bytes());
                (entry, digest)
            })
            .collect();
        Ok(Self { entries })
    }

    /// Finds the caller by key, in time that does not depend on how much of a key was right.
    pub fn caller(&self, bearer: Option<&str>) -> Result<Caller<'_>, Problem> {
        let shown = Hash::hash(bearer.unwrap_or_default().as_bytes());
        let mut found = None;
        for (entry, digest) in &self.entries {
            let equal: Choice = digest.ct_eq(&shown);
            if bool::from(equal) {
                found = Some(Caller { entry });
            }
        }
        found.ok_or_else(|| {
            Problem::unauthorized(
                "This call needs \"Authorization: Bearer <key>\" with a key that is good here.",
            )
        })
    }
}

impl Caller<'_> {
    /// The key's name, for logs.
    pub fn name(&self) -> &str {
        &self.entry.name
    }

    /// Whether the key is good for this queue.
    pub fn may_use(&self, queue: &QueueId) -> Result<(), Problem> {
        let matches = |pattern: &String| match pattern.strip_suffix('*') {
            Some(prefix) => queue.as_str().starts_with(prefix),
            None => queue.as_str() == pattern,
        };
        if self
            .entry
            .queues
            .as_ref()
            .is_none_or(|queues| queues.iter().any(matches))
        {
            Ok(())
        } else {
            Err(Problem::new(
                Code::Forbidden,
                format!(
                    "The key \"{}\" is not good for queue \"{queue}\".",
                    self.entry.name
                ),
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: &str = r#"[{"name":"ops","key":"dev-a"},
                           {"name":"lamps","key":"b","queues":["lamp-*","demo"]},
                           {"name":"empty","key":""}]"#;

    fn keys(reach: Reach) -> AccessKeys {
        AccessKeys::read("ADMIN_KEYS", KEYS, reach).unwrap()
    }

    #[test]
    fn only_a_good_key_gets_in() {
        let keys = keys(Reach::Loopback);
        assert_eq!(keys.caller(Some("dev-a")).ok().unwrap().name(), "ops");
        for bad in [None, Some(""), Some("dev-"), Some("dev-aa"), Some("DEV-A")] {
            assert_eq!(
                keys.caller(bad).err().unwrap().code,
                Code::Unauthorized,
                "{bad:?}"
            );
        }
    }

    #[test]
    fn a_key_that_could_be_guessed_is_not_deployed() {
        let listed = |key: &str| format!(r#"[{{"name":"ops","key":"{key}"}}]"#);
        let long = "a".repeat(ACCESS_KEY_MIN);
        assert!(check_deployable("ADMIN_KEYS", &listed(&long)).is_ok());
        for bad in ["", &long[1..], &format!("dev-{long}")] {
            let problem = check_deployable("ADMIN_KEYS", &listed(bad)).unwrap_err();
            assert!(problem.detail.contains("ADMIN_KEYS") && problem.detail.contains("ops"));
            assert!(
                bad.is_empty() || !problem.detail.contains(bad),
                "it is not shown"
            );
        }
        assert!(check_deployable("ADMIN_KEYS", "{}").is_err());
    }

    #[test]
    fn a_development_key_is_unknown_in_public() {
        assert!(keys(Reach::Public).caller(Some("dev-a")).is_err());
        assert!(keys(Reach::Public).caller(Some("b")).is_ok());
    }

    #[test]
    fn a_key_is_good_for_its_own_queues() {
        let keys = keys(Reach::Loopback);
        let lamps = keys.caller(Some("b")).ok().unwrap();
        assert!(lamps.may_use(&"lamp-2".parse().unwrap()).is_ok());
        assert!(lamps.may_use(&"demo".parse().unwrap()).is_ok());
        let problem = lamps.may_use(&"demo-2".parse().unwrap()).unwrap_err();
        assert_eq!(problem.code, Code::Forbidden);
    }
}
