//! `tidegate keys new`: a whole set of secrets.

use std::io::{IsTerminal, stdout};
use std::path::{Path, PathBuf};

use clap::Args;
use ct_codecs::{Base64UrlSafeNoPadding, Encoder};
use serde_json::json;
use tidegate_core::token::keys::DEVELOPMENT_MARK;

use super::kid::Kid;
use super::list::KeyList;
use super::secrets::Secrets;
use crate::failure::Failure;
use crate::output::{Output, shell_word};
use crate::time;

/// Makes all secrets of a new deployment.
///
/// They are TICKET_KEYS and HANDOFF_KEYS (which sign), SHOPPER_KEY (which names shoppers),
/// IDENTITY_KEYS (which your shop's server signs identities with, where a queue asks for them),
/// ADMIN_KEYS and ORIGIN_KEYS (which let operators and checkouts in), random and unlike any others.
/// The file is readable by you alone, and an existing one is never overwritten.
///
/// This is for a first deployment. On one that has live queues, a new SHOPPER_KEY and new
/// TICKET_KEYS cost everybody their place: use "tidegate keys rotate" there.
#[derive(Args)]
#[command(after_help = "\
Examples:
  tidegate keys new --output secrets.json
  tidegate keys new | gpg --encrypt -r ops@shop.example > secrets.json.gpg")]
pub struct NewArgs {
    /// The file to make, or "-" to print the secrets whatever stdout is
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub fn run(args: &NewArgs) -> Result<Output, Failure> {
    let file = args
        .output
        .as_deref()
        .filter(|path| *path != Path::new("-"));
    if args.output.is_none() && stdout().is_terminal() {
        return Err(
            Failure::usage("the secrets would be shown on this terminal")
                .remedy("into a file:   tidegate keys new --output secrets.json")
                .remedy("shown anyway:  tidegate keys new --output -"),
        );
    }
    let secrets = fresh_set()?;
    match file {
        Some(path) => {
            secrets.create(path)?;
            Ok(Output {
                stdout: String::new(),
                stderr: next_steps(path),
            })
        }
        None => Ok(Output {
            stdout: secrets.to_text()?,
            stderr: String::from(
                "These secrets are stored nowhere yet, and a Worker never shows its own again: keep \
                 them where you keep\npasswords. A file that you redirected them to may be readable \
                 by others: chmod 600 FILE.\n",
            ),
        }),
    }
}

fn fresh_set() -> Result<Secrets, Failure> {
    let kid = Kid::new(time::now(), None)
        .ok_or_else(|| Failure::failed("the system's clock is out of range"))?
        .to_string();
    let access = |name: &str| -> Result<String, Failure> {
        Ok(json!([{ "name": name, "key": random_key()? }]).to_string())
    };
    Ok(Secrets::from_pairs([
        (
            "TICKET_KEYS",
            KeyList::of_one(&kid, random_key()?).to_text()?,
        ),
        (
            "HANDOFF_KEYS",
            KeyList::of_one(&kid, random_key()?).to_text()?,
        ),
        ("SHOPPER_KEY", random_key()?),
        (
            "IDENTITY_KEYS",
            KeyList::of_one(&kid, random_key()?).to_text()?,
        ),
        ("ADMIN_KEYS", access("admin")?),
        ("ORIGIN_KEYS", access("origin")?),
    ]))
}

/// 32 random bytes in base64url, which do not look like a development key.
pub fn random_key() -> Result<String, Failure> {
    loop {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|error| {
            Failure::failed(format!(
                "the operating system gives no random bytes: {error}"
            ))
        })?;
        let key = Base64UrlSafeNoPadding::encode_to_string(bytes)
            .map_err(|error| Failure::failed(format!("cannot encode a key: {error}")))?;
        if !key.starts_with(DEVELOPMENT_MARK) {
            return Ok(key);
        }
    }
}

fn next_steps(path: &Path) -> String {
    let file = shell_word(path);
    format!(
        "\
{shown} now holds a deployment's secrets, readable by you alone.

Next:
  1. Deploy with them:            scripts/deploy --secrets {file}
     or set them on a Worker:     npx wrangler secret bulk {file}
  2. Try the admin key:           tidegate queue list --url https://YOUR-WORKER --key-file {file}
  3. Give the checkout its key:   jq -r '.ORIGIN_KEYS | fromjson | .[0].key' {file}
  4. Keep the file where you keep passwords, and out of git: a Worker never shows its secrets
     again, and \"tidegate keys rotate\" needs them.

For a first deployment only: on one with live queues they would cost everybody their place.
",
        shown = path.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_is_made_twice() {
        assert_ne!(random_key().unwrap(), random_key().unwrap());
    }

    #[test]
    fn the_next_steps_name_the_file() {
        let text = next_steps(Path::new("my secrets.json"));
        assert!(
            text.contains("scripts/deploy --secrets 'my secrets.json'"),
            "{text}"
        );
    }
}
