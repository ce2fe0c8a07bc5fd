//! The keys for what only operators and origins may do.

use std::env;
use std::path::Path;

use reqwest::header::HeaderValue;

use super::args::LoadArgs;
use crate::failure::Failure;
use crate::keys::first_origin_key;
use crate::queue::{Edge, KEY_VARIABLE, bearer, read_key_file};

const ORIGIN_KEY_VARIABLE: &str = "TIDEGATE_ORIGIN_KEY";
/// What `scripts/dev` lets in.
const DEVELOPMENT_ORIGIN_KEY: &str = "dev-origin-key";

/// The keys, where they are known.
pub struct Keys {
    pub admin: Option<HeaderValue>,
    pub origin: Option<HeaderValue>,
}

impl Keys {
    /// Finds the keys as `tidegate queue` does. Shoppers of a named queue can do without the admin
    /// key.
    pub fn find(args: &LoadArgs, edge: &Edge) -> Result<Self, Failure> {
        let variable = env::var_os(KEY_VARIABLE).filter(|value| !value.is_empty());
        let given = args.key_file.is_some() || variable.is_some();
        let admin = if given || edge.is_loopback() || needs_admin(args) {
            Some(
                edge.admin_key(args.key_file.as_deref(), variable)?
                    .authorization,
            )
        } else {
            None
        };
        let origin = match origin_key(args.key_file.as_deref())? {
            // A deployment whose admin key is no development key takes no such origin key either.
            None if edge.is_loopback() && !given => bearer(DEVELOPMENT_ORIGIN_KEY),
            found => found,
        };
        Ok(Self { admin, origin })
    }
}

/// Whether an operator's calls are part of the run, and not only of checking it.
fn needs_admin(args: &LoadArgs) -> bool {
    args.queue.is_none() || args.speaks()
}

fn origin_key(file: Option<&Path>) -> Result<Option<HeaderValue>, Failure> {
    let key = match env::var(ORIGIN_KEY_VARIABLE) {
        Ok(key) if !key.is_empty() => Some(key.trim().to_owned()),
        _ => match file {
            Some(path) => first_origin_key(&read_key_file(path)?),
            None => None,
        },
    };
    let Some(key) = key else { return Ok(None) };
    let unusable = || {
        Failure::usage(format!(
            "the key in {ORIGIN_KEY_VARIABLE} or --key-file is no origin key"
        ))
        .remedy("a key is one word of visible ASCII characters")
    };
    bearer(&key).map(Some).ok_or_else(unusable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::args::tests::parse;

    #[test]
    fn whoever_is_to_speak_needs_the_operators_key() {
        for (words, needs) in [
            (&["--queue", "lamp"][..], false),
            (&["--queue", "lamp", "--sockets", "5"], false),
            (
                &["--queue", "lamp", "--sockets", "5", "--notices", "1"],
                true,
            ),
            (
                &[
                    "--queue",
                    "lamp",
                    "--sockets",
                    "5",
                    "--changes-per-second",
                    "1",
                ],
                true,
            ),
            (&[], true),
        ] {
            assert_eq!(needs_admin(&parse(words).unwrap()), needs, "{words:?}");
        }
    }
}
