//! `tidegate keys rotate`: one signing key after another, without a token that is refused.

use std::path::{Path, PathBuf};

use clap::Args;
use tidegate_core::token::access::check_deployable;
use tidegate_core::token::keys::DEVELOPMENT_MARK;

use super::fresh::random_key;
use super::kid::Kid;
use super::list::KeyList;
use super::secrets::Secrets;
use super::signing::Secret;
use crate::failure::Failure;
use crate::output::{Output, shell_word, table};
use crate::time;

/// Replaces a signing key, in three steps of one deployment each.
///
/// While a deployment spreads, its old and its new version answer side by side; a token that one
/// signs must be good at the other. So a new key is first accepted everywhere, then it signs, and
/// the old key goes when all that it signed has run out:
///
///   1. without --promote or --retire: appends a new key, which is accepted and does not sign
///   2. --promote: moves the newest key to the front, where it signs
///   3. --retire KID: drops an old key
///
/// Each step changes FILE, whole or not at all, and says what to do next. Nothing happens to the
/// deployment until you deploy.
///
/// SHOPPER_KEY is never rotated: it names shoppers, who would get a second place. ADMIN_KEYS and
/// ORIGIN_KEYS sign nothing: add an entry by hand, deploy, hand it out, drop the old one.
#[derive(Args)]
#[command(verbatim_doc_comment)]
#[command(after_help = "\
Examples:
  tidegate keys rotate --secret TICKET_KEYS --file secrets.json
  tidegate keys rotate --secret TICKET_KEYS --file secrets.json --promote
  tidegate keys rotate --secret TICKET_KEYS --file secrets.json --retire 2026-11-20-c3f0")]
pub struct RotateArgs {
    /// The secret whose key is replaced
    #[arg(long, value_name = "SECRET")]
    secret: Secret,
    /// The file that the Worker's secrets were set from
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// Let the newest key sign
    #[arg(long)]
    promote: bool,
    /// Drop this key, which must not be the one that signs
    #[arg(long, value_name = "KID", conflicts_with = "promote")]
    retire: Option<String>,
}

pub fn run(args: &RotateArgs) -> Result<Output, Failure> {
    let path = args.file.as_path();
    let mut secrets = Secrets::read(path)?;
    check_access(&secrets, path)?;
    let mut list = read_list(&secrets, args.secret, path)?;
    let rotation = Rotation {
        secret: args.secret,
        file: path,
    };
    let next = match (args.promote, &args.retire) {
        (true, _) => rotation.promote(&mut list)?,
        (false, Some(kid)) => rotation.retire(&mut list, kid)?,
        (false, None) => rotation.append(&mut list)?,
    };
    let text = list.to_text()?;
    args.secret.check(&text, path)?;
    secrets.set(args.secret.name(), text);
    secrets.replace(path)?;
    Ok(Output::answer(rotation.shown(&list) + "\n" + &next))
}

/// What scripts/deploy would refuse afterwards is refused before anything is changed.
fn check_access(secrets: &Secrets, path: &Path) -> Result<(), Failure> {
    for name in ["ADMIN_KEYS", "ORIGIN_KEYS"] {
        let Some(text) = secrets.find(name) else {
            continue;
        };
        check_deployable(name, text).map_err(|problem| {
            Failure::failed(format!("{}: {}", path.display(), problem.detail))
                .remedy("replace it by a random one:  openssl rand -base64 32")
        })?;
    }
    Ok(())
}

fn read_list(secrets: &Secrets, secret: Secret, path: &Path) -> Result<KeyList, Failure> {
    let (name, file) = (secret.name(), path.display());
    let list = KeyList::read(secrets.secret(name, path)?).ok_or_else(|| {
        Failure::failed(format!("{name} in {file} is not a list of keys"))
            .remedy("it is a JSON list of {\"kid\", \"key\"}, at least one, as one string")
    })?;
    if list.any_key(|key| key.starts_with(DEVELOPMENT_MARK)) {
        return Err(
            Failure::failed(format!("{name} in {file} holds a development key"))
                .remedy("those work on loopback only; make real ones: tidegate keys new"),
        );
    }
    Ok(list)
}

/// The steps, and the words for them.
struct Rotation<'a> {
    secret: Secret,
    file: &'a Path,
}

impl Rotation<'_> {
    fn append(&self, list: &mut KeyList) -> Result<String, Failure> {
        if let Some(pending) = list.to_promote() {
            return Err(Failure::failed(format!(
                "{} already has a new key that does not sign yet: {pending}",
                self.secret.name()
            ))
            .remedy(format!(
                "to go on, once it is deployed:  {}",
                self.command("--promote")
            ))
            .remedy(format!(
                "to drop it:  {}",
                self.command(&format!("--retire {pending}"))
            )));
        }
        let newest = list.newest_dated();
        let kid = Kid::new(time::now(), newest.as_ref()).ok_or_else(|| {
            let newest = newest.as_ref().map(ToString::to_string).unwrap_or_default();
            Failure::failed(format!(
                "the system's clock is behind the newest key, {newest}"
            ))
            .remedy("set the clock: a key's id tells its age")
        })?;
        list.append(&kid, random_key()?);
        Ok(format!(
            "\
Step 1 of 3: {kid} was added. It will be accepted, and signs nothing yet.

Next:
  1. {deploy}
  2. {condition}:
     {promote}
",
            deploy = self.deploy(),
            condition = self.secret.condition(),
            promote = self.command("--promote"),
        ))
    }

    fn promote(&self, list: &mut KeyList) -> Result<String, Failure> {
        let Some(kid) = list.to_promote().map(str::to_owned) else {
            return Err(Failure::failed(format!(
                "the newest key in {} signs already",
                self.secret.name()
            ))
            .remedy(format!("to add a newer one:  {}", self.command("")))
            .remedy(format!(
                "to drop an old one:  {}",
                self.command("--retire KID")
            )));
        };
        let old = list.kids().next().unwrap_or_default().to_owned();
        list.promote(&kid);
        Ok(format!(
            "\
Step 2 of 3: {kid} will sign; what {old} signed stays good.
Deploy this only after step 1 is deployed everywhere, or some tokens will be refused for a moment.

Next:
  1. {deploy}
  2. {patience}:
     {retire}
     At once instead, if {old} has leaked; what it signed is then refused.
",
            deploy = self.deploy(),
            patience = self.secret.patience(),
            retire = self.command(&format!("--retire {old}")),
        ))
    }

    fn retire(&self, list: &mut KeyList, kid: &str) -> Result<String, Failure> {
        if list.kids().next() == Some(kid) {
            return Err(Failure::failed(format!(
                "{kid} signs, and a list must have a key that does"
            ))
            .remedy(format!("to add a new one:   {}", self.command("")))
            .remedy(format!("to let it sign:     {}", self.command("--promote"))));
        }
        if !list.retire(kid) {
            let kids: Vec<&str> = list.kids().collect();
            return Err(
                Failure::failed(format!("{} has no key {kid}", self.secret.name()))
                    .remedy(format!("it has: {}", kids.join(", "))),
            );
        }
        Ok(format!(
            "\
{kid} was dropped. Once deployed, what it signed is refused.

Next:
  {deploy}
",
            deploy = self.deploy()
        ))
    }

    fn shown(&self, list: &KeyList) -> String {
        let rows: Vec<Vec<String>> = list
            .kids()
            .enumerate()
            .map(|(place, kid)| {
                let role = if place == 0 { "signs" } else { "is accepted" };
                vec![String::new(), kid.to_owned(), role.to_owned()]
            })
            .collect();
        format!(
            "{} in {}:\n{}",
            self.secret.name(),
            self.file.display(),
            table(&rows, &[])
        )
    }

    fn command(&self, flags: &str) -> String {
        let file = shell_word(self.file);
        let command = format!(
            "tidegate keys rotate --secret {} --file {file} {flags}",
            self.secret.name()
        );
        command.trim_end().to_owned()
    }

    fn deploy(&self) -> String {
        format!("scripts/deploy --secrets {}", shell_word(self.file))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever an operator does in whatever order, the Worker can read and sign.
        #[test]
        fn no_order_of_steps_leaves_a_list_that_cannot_be_used(
            steps in prop::collection::vec(0_usize..4, 0..12)
        ) {
            let rotation = Rotation { secret: Secret::Ticket, file: Path::new("") };
            let mut list = KeyList::of_one("by-hand", random_key().unwrap());
            for step in steps {
                let before: Vec<String> = list.kids().map(str::to_owned).collect();
                let done = match step {
                    0 => rotation.append(&mut list),
                    1 => rotation.promote(&mut list),
                    2 => rotation.retire(&mut list, before.first().unwrap()),
                    _ => rotation.retire(&mut list, before.last().unwrap()),
                };
                let after: Vec<String> = list.kids().map(str::to_owned).collect();
                prop_assert_eq!(done.is_ok(), before != after);
                prop_assert!(step == 1 || before.first() == after.first(), "only --promote changes the signer");
                let text = list.to_text().unwrap();
                Secret::Ticket.check(&text, Path::new("")).unwrap();
                Secret::Handoff.check(&text, Path::new("")).unwrap();
            }
        }
    }
}
