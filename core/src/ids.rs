//! Names: of queues, epochs, shoppers and admissions. Each type can only hold a valid value.

use core::fmt;
use core::str::FromStr;

use hmac_sha256::HMAC;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::hex::hex_bytes;
use crate::problem::Problem;

/// The largest index: exact in JSON, JavaScript and `SQLite` bindings.
pub const INDEX_MAX: u64 = (1 << 53) - 1;
/// The longest queue id.
const QUEUE_ID_MAX: usize = 63;
/// What the names of pass cookies, `__Host-tidegate-pass-<queue id>`, have before the id.
const PASS_PREFIX: &str = "pass-";

/// A queue's id: `^[a-z0-9][a-z0-9-]{0,62}$`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct QueueId(String);

impl QueueId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl QueueId {
    /// Refuses an id that no new queue may have: its ticket's cookie would be another queue's pass,
    /// and a visit to one would undo the other. A queue that has such an id already keeps it.
    pub fn check_new(&self) -> Result<(), Problem> {
        if self.0.starts_with(PASS_PREFIX) {
            return Err(Problem::validation(format!(
                "a queue id may not begin with \"{PASS_PREFIX}\": cookies of that name are other queues' passes"
            )));
        }
        Ok(())
    }
}

impl FromStr for QueueId {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let valid = text.len() <= QUEUE_ID_MAX
            && text.bytes().all(inner)
            && text.bytes().next().is_some_and(|first| first != b'-');
        if valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(Problem::validation(
                "a queue id has 1 to 63 of a-z, 0-9 and '-', and does not begin with '-'",
            ))
        }
    }
}

impl TryFrom<String> for QueueId {
    type Error = Problem;

    fn try_from(text: String) -> Result<Self, Problem> {
        text.parse()
    }
}

impl From<QueueId> for String {
    fn from(id: QueueId) -> Self {
        id.0
    }
}

impl fmt::Display for QueueId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

hex_bytes!(
    /// One epoch of a queue: new with its creation and with each reset.
    Epoch: 16,
    "an epoch"
);
hex_bytes!(
    /// Who a shopper is within one epoch: 16 bytes that say nothing about the person.
    ShopperId: 16,
    "a shopper id"
);
hex_bytes!(
    /// 16 random bytes of a client's own; they make a retried enter the same entry.
    EntryKey: 16,
    "an entryKey"
);

impl ShopperId {
    /// The shopper that an entry key stands for. Keyed, so that nobody outside can choose keys that
    /// all fall on one lane.
    pub fn of_entry_key(shopper_key: &[u8], epoch: Epoch, key: EntryKey) -> Self {
        Self::named(
            b"tidegate/shopper/entry-key/v1",
            shopper_key,
            epoch,
            key.as_bytes(),
        )
    }

    /// The shopper that an identity of the merchant's stands for.
    pub fn of_identity(shopper_key: &[u8], epoch: Epoch, subject: &str) -> Self {
        Self::named(
            b"tidegate/shopper/identity/v1",
            shopper_key,
            epoch,
            subject.as_bytes(),
        )
    }

    fn named(what: &[u8], shopper_key: &[u8], epoch: Epoch, name: &[u8]) -> Self {
        let mut mac = HMAC::new(shopper_key);
        mac.update(what);
        mac.update(epoch.as_bytes());
        mac.update(name);
        let mut bytes = [0; 16];
        for (target, source) in bytes.iter_mut().zip(mac.finalize()) {
            *target = source;
        }
        Self(bytes)
    }

    /// The lane, of `lanes`, that takes this shopper's entry.
    pub fn lane(self, lanes: u16) -> u16 {
        let hash = self
            .0
            .iter()
            .take(8)
            .fold(0_u64, |hash, byte| (hash << 8) | u64::from(*byte));
        let lane = hash.checked_rem(u64::from(lanes)).unwrap_or(0);
        u16::try_from(lane).unwrap_or(0)
    }
}

/// An admission's id, `<epoch>-<index>`: a ticket has one admission, so its place names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AdmissionId {
    /// The epoch it belongs to.
    pub epoch: Epoch,
    /// The index of the ticket that holds it.
    pub index: u64,
}

impl fmt::Display for AdmissionId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}", self.epoch, self.index)
    }
}

impl FromStr for AdmissionId {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let parsed = text.split_once('-').and_then(|(epoch, index)| {
            let id = Self {
                epoch: epoch.parse().ok()?,
                index: index.parse().ok()?,
            };
            // One spelling each: "+7" and "007" parse as numbers but name nothing.
            (id.to_string() == text && id.index <= INDEX_MAX).then_some(id)
        });
        parsed.ok_or_else(|| Problem::validation("an admission id is <epoch>-<index>"))
    }
}

/// As text, and between Worker and objects as its two parts: to make and to read its one spelling
/// takes longer than all else of a grant.
impl Serialize for AdmissionId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            (self.epoch, self.index).serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for AdmissionId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = String::deserialize(deserializer)?;
            return text.parse().map_err(D::Error::custom);
        }
        let (epoch, index) = Deserialize::deserialize(deserializer)?;
        Ok(Self { epoch, index })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_id_holds_only_what_the_pattern_allows() {
        for good in ["a", "0", "demo", "drop-2026", &"x".repeat(63)] {
            assert!(good.parse::<QueueId>().is_ok(), "{good}");
        }
        for bad in ["", "-a", "A", "ä", "a_b", "a/b", "a b", &"x".repeat(64)] {
            assert!(bad.parse::<QueueId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_hex_id_has_one_spelling() {
        let text = "00112233445566778899aabbccddeeff";
        assert_eq!(text.parse::<Epoch>().unwrap().to_string(), text);
        for bad in [
            "",
            "00",
            "00112233445566778899AABBCCDDEEFF",
            &text.repeat(2),
            "zz112233445566778899aabbccddeeff",
        ] {
            assert!(bad.parse::<EntryKey>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_admission_id_has_one_spelling() {
        let id = AdmissionId {
            epoch: Epoch::from_bytes([7; 16]),
            index: 42,
        };
        assert_eq!(id.to_string().parse::<AdmissionId>().unwrap(), id);
        for bad in [
            "",
            "-",
            "42",
            &format!("{}-{}", id.epoch, INDEX_MAX + 1),
            &format!("{}-+42", id.epoch),
            &format!("{}-042", id.epoch),
        ] {
            assert!(bad.parse::<AdmissionId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn lanes_share_the_shoppers_evenly() {
        let mut counts = [0_u32; 8];
        for n in 0..8000_u128 {
            let key = EntryKey::from_bytes(n.to_be_bytes());
            let shopper = ShopperId::of_entry_key(b"key", Epoch::from_bytes([1; 16]), key);
            counts[usize::from(shopper.lane(8))] += 1;
        }
        // Binomial with mean 1000 and deviation 30: five deviations either side.
        assert!(
            counts.iter().all(|count| (850..1150).contains(count)),
            "{counts:?}"
        );
    }
}
