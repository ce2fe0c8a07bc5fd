//! How calls and replies travel between Worker and objects: postcard, which names no fields, in
//! base64url, after the call's label for whoever watches and a fingerprint of the types. During a deploy
//! two versions run side by side for a moment; a message of other types is refused, and asked again.

use ct_codecs::{Base64UrlSafeNoPadding, Decoder, Encoder};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Changes whenever a source file changes that defines what travels.
const FINGERPRINT: u32 = {
    let mut hash = 0x811c_9dc5;
    hash = fnv(hash, include_bytes!("calls.rs"));
    hash = fnv(hash, include_bytes!("config.rs"));
    hash = fnv(hash, include_bytes!("fair/audit.rs"));
    hash = fnv(hash, include_bytes!("fair/beacon.rs"));
    hash = fnv(hash, include_bytes!("fair/log.rs"));
    hash = fnv(hash, include_bytes!("fair/mod.rs"));
    hash = fnv(hash, include_bytes!("fair/receipt.rs"));
    hash = fnv(hash, include_bytes!("ids.rs"));
    hash = fnv(hash, include_bytes!("problem.rs"));
    hash = fnv(hash, include_bytes!("queue/claim.rs"));
    hash = fnv(hash, include_bytes!("queue/event.rs"));
    hash = fnv(hash, include_bytes!("relay.rs"));
    hash = fnv(hash, include_bytes!("view/called.rs"));
    fnv(hash, include_bytes!("view/snapshot.rs"))
};

/// The FNV-1a hash (draft-eastlake-fnv), continued from `hash`.
const fn fnv(mut hash: u32, bytes: &[u8]) -> u32 {
    let mut rest = bytes;
    while let [first, others @ ..] = rest {
        hash = (hash ^ (*first as u32)).wrapping_mul(0x0100_0193);
        rest = others;
    }
    hash
}

/// Why a message was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

impl core::fmt::Display for Unreadable {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str("a message of another version")
    }
}

/// Writes a message; `label` is for whoever watches, and may be empty.
pub fn write<T: Serialize>(label: &str, message: &T) -> Result<String, Unreadable> {
    let bytes = postcard::to_allocvec(message).map_err(|_| Unreadable)?;
    let text = Base64UrlSafeNoPadding::encode_to_string(bytes).map_err(|_| Unreadable)?;
    Ok(format!("{label}.{FINGERPRINT:08x}.{text}"))
}

/// Reads a message.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, Unreadable> {
    let mut parts = text.rsplitn(3, '.');
    let (body, version) = (parts.next(), parts.next());
    if version.and_then(|version| u32::from_str_radix(version, 16).ok()) != Some(FINGERPRINT) {
        return Err(Unreadable);
    }
    let bytes = Base64UrlSafeNoPadding::decode_to_vec(body.unwrap_or_default(), None)
        .map_err(|_| Unreadable)?;
    postcard::from_bytes(&bytes).map_err(|_| Unreadable)
}

/// JSON that travels as text: what has no fixed shape, or leaves fields out.
pub(crate) mod as_text {
    use serde::de::{DeserializeOwned, Error as _};
    use serde::ser::Error as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<T: Serialize, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let text = serde_json::to_string(value).map_err(S::Error::custom)?;
        serializer.serialize_str(&text)
    }

    pub fn deserialize<'de, T: DeserializeOwned, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        let text = String::deserialize(deserializer)?;
        crate::reading::parse(&text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::calls::{QueueCall, QueueReply, Reply};
    use crate::fair::{Fresh, Root};
    use crate::ids::Epoch;
    use crate::queue::event::Event;
    use crate::view::snapshot::{Level, Notice};

    fn call() -> QueueCall {
        QueueCall::Event(Box::new(Event::Patch {
            patch: json!({"maxActive": 5, "product": null}),
            fresh: Fresh::known(Epoch::from_bytes([7; 16])),
        }))
    }

    #[test]
    fn what_is_written_is_read() {
        let text = write("Patch", &call()).unwrap();
        assert!(text.starts_with("Patch."), "{text}");
        let read: QueueCall = read(&text).unwrap();
        assert_eq!(format!("{read:?}"), format!("{:?}", call()));
    }

    #[test]
    fn every_kind_of_reply_is_read_as_it_was_written() {
        let mut queue = None;
        let mut ask = |event: Event, now| {
            let step = crate::queue::handle(&mut queue, event, None, now);
            let reply = step.answer.map(QueueReply::Answer);
            let text = write("", &reply).unwrap();
            assert_eq!(read::<Reply<QueueReply>>(&text).unwrap(), reply);
        };
        let epoch = Epoch::from_bytes([7; 16]);
        let put = Event::Put {
            id: "demo".parse().unwrap(),
            config: json!({"maxActive": 1, "maxAdmissions": 9, "checkoutUrl": "/checkout",
                "product": {"name": "Lamp", "path": "/lamp"},
                "allowedOrigins": ["https://shop.example"]}),
            fresh: Fresh::known(epoch),
        };
        let lease = Event::Lease {
            epoch,
            lane: 0,
            sequence: 1,
            count: 2,
            root: Root::from_bytes([0; 32]),
        };
        let holder = |index| crate::queue::event::Holder {
            epoch,
            index,
            position: Some(index),
            shopper: crate::ids::ShopperId::from_bytes([1; 16]),
        };
        let events = [
            put,
            Event::View,
            Event::Notify(Some(Notice {
                level: Level::Info,
                text: String::from("Hello"),
            })),
            Event::View,
            Event::Notify(None),
            lease,
            Event::Stands { epoch, index: 0 },
            Event::Look(holder(0)),
            Event::Claim(holder(0)),
            Event::Claim(holder(1)),
            Event::Claim(holder(5)),
            Event::Read,
            Event::Pause,
            Event::Close,
        ];
        for event in events {
            let text = write("", &event).unwrap();
            let again: Event = read(&text).unwrap();
            assert_eq!(format!("{again:?}"), format!("{event:?}"));
            ask(event, 1_800_000_000_000);
        }
    }

    #[test]
    fn a_message_of_other_types_is_refused() {
        let text = write("", &call()).unwrap();
        let (_, body) = text.rsplit_once('.').unwrap();
        for other in [format!(".00000000.{body}"), body.to_owned(), String::new()] {
            assert!(read::<QueueCall>(&other).is_err(), "{other}");
        }
        assert!(read::<QueueCall>(&text[..text.len() - 6]).is_err());
    }
}
