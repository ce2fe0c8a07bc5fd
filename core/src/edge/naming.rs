//! Who it is that enters: the merchant's signed identity, else the client's own key, else chance.

use core::ops::Deref;

use serde::Deserialize;
use serde_json::Value;

use crate::UnixMillis;
use crate::config::UniqueBy;
use crate::ids::{EntryKey, ShopperId};
use crate::problem::{Code, Problem};
use crate::token::identity::IdentityKeys;
use crate::view::snapshot::EdgeView;

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

/// The keys that naming takes, each read when it is needed.
pub trait NamingKeys {
    /// The key that names shoppers.
    fn shopper(&self) -> Result<impl Deref<Target = [u8; 32]>, Problem>;
    /// The keys that the merchant signs identities with.
    fn identity(&self) -> Result<impl Deref<Target = IdentityKeys>, Problem>;
}

impl Naming {
    /// Whether it names nobody: chance does, and nobody of that name has an entry.
    pub fn is_nobody(&self) -> bool {
        self.identity.is_none() && self.entry_key.is_none()
    }

    /// The shopper whom it names in the queue that `view` is of; `fresh` is chance's name for them.
    pub fn shopper(
        &self,
        view: &EdgeView,
        keys: &impl NamingKeys,
        fresh: impl FnOnce() -> Result<[u8; 16], Problem>,
        now: UnixMillis,
    ) -> Result<ShopperId, Problem> {
        let (queue, epoch) = (&view.snapshot.id, view.snapshot.epoch);
        match (&self.identity, view.unique_by, self.entry_key) {
            (Some(token), ..) => {
                let subject = keys.identity()?.subject(token, queue, now)?;
                Ok(ShopperId::of_identity(&*keys.shopper()?, epoch, &subject))
            }
            (None, UniqueBy::Identity, _) => Err(Problem::new(
                Code::Forbidden,
                "This queue is for those whom the shop knows: sign in there, and enter with an identityToken of its.",
            )),
            (None, UniqueBy::Shopper, Some(key)) => {
                Ok(ShopperId::of_entry_key(&*keys.shopper()?, epoch, key))
            }
            (None, UniqueBy::Shopper, None) => fresh().map(ShopperId::from_bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fair::Fresh;
    use crate::ids::Epoch;
    use crate::queue::{Answer, Event, handle};
    use crate::token::keys::Reach;

    struct Keys;

    impl NamingKeys for Keys {
        fn shopper(&self) -> Result<impl Deref<Target = [u8; 32]>, Problem> {
            Ok(Box::new([7; 32]))
        }

        fn identity(&self) -> Result<impl Deref<Target = IdentityKeys>, Problem> {
            let text = r#"[{"kid":"one","key":"dev-AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}]"#;
            IdentityKeys::read(text, Reach::Loopback).map(Box::new)
        }
    }

    /// Who `naming` is in a queue that is unique by `unique_by`.
    fn named(unique_by: &str, naming: &Naming) -> Result<ShopperId, Problem> {
        let put = Event::Put {
            id: "lamp".parse().unwrap(),
            config: json!({ "maxActive": 1, "uniqueBy": unique_by }),
            fresh: Fresh::known(Epoch::from_bytes([1; 16])),
        };
        let mut machine = None;
        handle(&mut machine, put, None, 0).answer.unwrap();
        let seen = handle(&mut machine, Event::View, None, 0).answer.unwrap();
        let Answer::View(view) = seen else {
            panic!("a view, not {seen:?}")
        };
        naming.shopper(&view, &Keys, || Ok([9; 16]), 0)
    }

    #[test]
    fn a_key_of_the_client_s_names_the_same_shopper_each_time_and_none_a_fresh_one() {
        let keyed = Naming {
            entry_key: Some(EntryKey::from_bytes([3; 16])),
            ..Naming::default()
        };
        let first = named("shopper", &keyed).unwrap();
        assert_eq!(named("shopper", &keyed), Ok(first));
        let fresh = ShopperId::from_bytes([9; 16]);
        assert_ne!(first, fresh);
        assert_eq!(named("shopper", &Naming::default()), Ok(fresh));
    }

    #[test]
    fn a_queue_of_identities_takes_nothing_else() {
        for entry_key in [None, Some(EntryKey::from_bytes([3; 16]))] {
            let naming = Naming {
                identity: None,
                entry_key,
            };
            let refused = named("identity", &naming).unwrap_err();
            assert_eq!(refused.code, Code::Forbidden);
        }
    }

    #[test]
    fn a_bad_identity_is_refused_wherever_it_is_shown() {
        for unique_by in ["shopper", "identity"] {
            let naming = Naming {
                identity: Some(String::from("no token")),
                entry_key: Some(EntryKey::from_bytes([3; 16])),
            };
            let refused = named(unique_by, &naming).unwrap_err();
            assert_eq!(refused.code, Code::Forbidden);
        }
    }
}
