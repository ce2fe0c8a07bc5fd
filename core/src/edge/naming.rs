//! Who it is that enters: the merchant's signed identity, else the client's own key, else chance.

use serde::Deserialize;
use serde_json::Value;

use crate::config::UniqueBy;
use crate::ids::EntryKey;
use crate::problem::{Code, Problem};

/// The body of an enter. What a queue does not require is not looked at.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct EnterBody {
    entry_key: Option<String>,
    identity_token: Option<String>,
    #[serde(rename = "invite")]
    _invite: Option<String>,
    #[serde(rename = "turnstileToken")]
    _turnstile_token: Option<String>,
    #[serde(rename = "proofOfWork")]
    _proof_of_work: Option<Value>,
}

impl EnterBody {
    /// What names the shopper.
    pub fn naming(self) -> Result<Naming, Problem> {
        let entry_key = self.entry_key.map(|key| {
            key.parse()
                .map_err(|_| Problem::validation("entryKey: must be 32 lowercase hex digits"))
        });
        Ok(Naming {
            identity: self.identity_token,
            entry_key: entry_key.transpose()?,
        })
    }
}

/// What a shopper who enters shows of themselves; with neither, chance names them.
#[derive(Default)]
pub struct Naming {
    /// A token that the merchant signed.
    pub identity: Option<String>,
    /// The client's own key.
    pub entry_key: Option<EntryKey>,
}

/// By what a shopper is named.
pub enum Name<'a> {
    /// A token that the merchant signed.
    Identity(&'a str),
    /// The client's own key.
    Key(EntryKey),
    /// Chance.
    Nobody,
}

impl Naming {
    /// Whether it names nobody: chance does, and nobody of that name has an entry.
    pub fn is_nobody(&self) -> bool {
        self.identity.is_none() && self.entry_key.is_none()
    }

    /// By what it names the shopper, in a queue that is unique by that.
    pub fn name(&self, unique_by: UniqueBy) -> Result<Name<'_>, Problem> {
        match (&self.identity, unique_by, self.entry_key) {
            (Some(token), ..) => Ok(Name::Identity(token)),
            (None, UniqueBy::Identity, _) => Err(Problem::new(
                Code::Forbidden,
                "This queue is for those whom the shop knows: sign in there, and enter with an identityToken of its.",
            )),
            (None, UniqueBy::Shopper, Some(key)) => Ok(Name::Key(key)),
            (None, UniqueBy::Shopper, None) => Ok(Name::Nobody),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: EntryKey = EntryKey::from_bytes([3; 16]);

    fn naming(identity: Option<&str>, entry_key: Option<EntryKey>) -> Naming {
        Naming {
            identity: identity.map(str::to_owned),
            entry_key,
        }
    }

    #[test]
    fn an_identity_goes_before_a_key_and_a_key_before_chance() {
        for unique_by in [UniqueBy::Shopper, UniqueBy::Identity] {
            let named = naming(Some("token"), Some(KEY));
            assert!(matches!(named.name(unique_by), Ok(Name::Identity("token"))));
        }
        let keyed = naming(None, Some(KEY));
        assert!(matches!(keyed.name(UniqueBy::Shopper), Ok(Name::Key(KEY))));
        assert!(!keyed.is_nobody());
        let nobody = naming(None, None);
        assert!(matches!(nobody.name(UniqueBy::Shopper), Ok(Name::Nobody)));
        assert!(nobody.is_nobody());
    }

    #[test]
    fn a_queue_of_identities_takes_nothing_else() {
        for entry_key in [None, Some(KEY)] {
            let named = naming(None, entry_key);
            let refused = named.name(UniqueBy::Identity).err().unwrap();
            assert_eq!(refused.code, Code::Forbidden);
        }
    }
}
