//! A deployment of two versions at once: each of them writes, and each reads what the other wrote.

use serde::{Deserialize, Serialize};
use tidegate_core::wire::{self, Unreadable, VERSION};

/// Some calls, as the version before has them.
mod before {
    use super::{Deserialize, Serialize};

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub struct Place {
        pub queue: String,
        pub number: u64,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    pub enum Call {
        Enter {
            place: Place,
            shoppers: Vec<u8>,
            limit: Option<u32>,
        },
        Push(Place, Vec<Place>),
        Note(Place),
        Retire,
    }
}

/// The same of the version after: with more fields in structs, in variants, and in what they hold.
mod after {
    use super::{Deserialize, Serialize};

    fn ten() -> u32 {
        10
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub struct Place {
        pub queue: String,
        pub number: u64,
        #[serde(default)]
        pub note: Option<String>,
        #[serde(default = "ten")]
        pub weight: u32,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    pub enum Call {
        Enter {
            place: Place,
            shoppers: Vec<u8>,
            limit: Option<u32>,
            #[serde(default)]
            door: Vec<Place>,
        },
        Push(Place, Vec<Place>, #[serde(default)] u64),
        Note(Place),
        Retire,
        Show(Place),
    }
}

fn old(number: u64) -> before::Place {
    before::Place {
        queue: "lamp".into(),
        number,
    }
}

/// Longer than one byte can say.
fn new(number: u64) -> after::Place {
    after::Place {
        queue: "lamp".into(),
        number,
        note: Some("x".repeat(300)),
        weight: 70_000,
    }
}

fn without_news(number: u64) -> after::Place {
    after::Place {
        queue: "lamp".into(),
        number,
        note: None,
        weight: 10,
    }
}

/// As if `wire::VERSION` were one more or less where it was written.
fn sent_by<T: Serialize>(version: u32, message: &T) -> String {
    let text = wire::write("Label \"lamp\"", message).unwrap();
    let (_, body) = text.rsplit_once('.').unwrap();
    format!("Label \"lamp\".{version}.{body}")
}

#[test]
fn what_the_version_before_wrote_reads_as_if_it_said_the_defaults() {
    let calls = [
        before::Call::Enter {
            place: old(7),
            shoppers: vec![1; 200],
            limit: Some(9),
        },
        before::Call::Push(old(8), vec![old(1), old(2)]),
        before::Call::Note(old(9)),
        before::Call::Retire,
    ];
    let read: [after::Call; 4] =
        calls.map(|call| wire::read(&sent_by(VERSION - 1, &call)).unwrap());
    let (place, shoppers) = (without_news(7), vec![1; 200]);
    let expected = [
        after::Call::Enter {
            place,
            shoppers,
            limit: Some(9),
            door: Vec::new(),
        },
        after::Call::Push(without_news(8), vec![without_news(1), without_news(2)], 0),
        after::Call::Note(without_news(9)),
        after::Call::Retire,
    ];
    assert_eq!(read, expected);
}

#[test]
fn the_version_before_reads_past_fields_that_it_does_not_know() {
    let (place, shoppers) = (new(7), vec![1; 200]);
    let calls = [
        after::Call::Enter {
            place,
            shoppers,
            limit: Some(9),
            door: vec![new(4), new(5)],
        },
        after::Call::Push(new(8), vec![new(1), new(2)], 77),
        after::Call::Note(new(9)),
        after::Call::Retire,
    ];
    let read: [before::Call; 4] =
        calls.map(|call| wire::read(&sent_by(VERSION + 1, &call)).unwrap());
    let expected = [
        before::Call::Enter {
            place: old(7),
            shoppers: vec![1; 200],
            limit: Some(9),
        },
        before::Call::Push(old(8), vec![old(1), old(2)]),
        before::Call::Note(old(9)),
        before::Call::Retire,
    ];
    assert_eq!(read, expected);
}

#[test]
fn a_variant_that_the_version_before_does_not_know_is_refused() {
    let sent = sent_by(VERSION + 1, &after::Call::Show(new(1)));
    assert_eq!(wire::read::<before::Call>(&sent), Err(Unreadable::Message));
}

#[test]
fn a_message_of_a_version_further_away_is_refused_unread() {
    let call = before::Call::Retire;
    let further = [
        VERSION.checked_sub(2),
        VERSION.checked_add(2),
        Some(u32::MAX),
    ];
    for version in further.into_iter().flatten() {
        let read = wire::read::<before::Call>(&sent_by(version, &call));
        assert_eq!(read, Err(Unreadable::Version), "{version}");
    }
    let sent = wire::write("Retire", &call).unwrap();
    let body = sent.rsplit('.').next().unwrap();
    for sent in [body, &format!("Retire..{body}"), &format!("-1.{body}"), ""] {
        assert_eq!(
            wire::read::<before::Call>(sent),
            Err(Unreadable::Version),
            "{sent}"
        );
    }
}

#[test]
fn a_message_that_is_cut_short_or_goes_on_is_refused() {
    let sent = wire::write("Push", &before::Call::Push(old(8), vec![old(1)])).unwrap();
    assert!(sent.starts_with(&format!("Push.{VERSION}.")), "{sent}");
    assert!(wire::read::<before::Call>(&sent).is_ok());
    for cut in 1..sent.rsplit('.').next().unwrap().len() {
        let read = wire::read::<before::Call>(&sent[..sent.len() - cut]);
        assert_eq!(read, Err(Unreadable::Message), "{cut}");
    }
    for more in ["AAAA", "!", "\n"] {
        let read = wire::read::<before::Call>(&format!("{sent}{more}"));
        assert_eq!(read, Err(Unreadable::Message), "{more}");
    }
}

/// It would be read as another.
#[test]
fn a_struct_that_leaves_a_field_out_is_not_written() {
    #[derive(Serialize)]
    struct Gappy {
        #[serde(skip_serializing_if = "Option::is_none")]
        first: Option<u8>,
        second: u8,
    }
    assert!(
        wire::write(
            "",
            &Gappy {
                first: Some(1),
                second: 2
            }
        )
        .is_ok()
    );
    assert_eq!(
        wire::write(
            "",
            &Gappy {
                first: None,
                second: 2
            }
        ),
        Err(Unreadable::Message)
    );
}

/// Every kind of value that serde knows, so that none is read as another was written.
#[test]
fn all_that_can_be_written_is_read_as_it_was() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Unit;
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Wrapped(u16);
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Pair(i8, i64);
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct All {
        signed: (i8, i16, i32, i64),
        unsigned: (u8, u16, u32, u64),
        floats: (f32, f64),
        texts: Vec<(char, String)>,
        map: std::collections::BTreeMap<u8, Vec<bool>>,
        options: [Option<Wrapped>; 2],
        others: ((), Unit, Pair),
        end: u8,
    }
    let all = All {
        signed: (i8::MIN, i16::MIN, i32::MIN, i64::MIN),
        unsigned: (u8::MAX, u16::MAX, u32::MAX, u64::MAX),
        floats: (1.5, -0.25),
        texts: vec![('ü', "long".repeat(100)), ('x', String::new())],
        map: [(1, vec![true, false]), (2, Vec::new())].into(),
        options: [None, Some(Wrapped(300))],
        others: ((), Unit, Pair(-1, 1 << 40)),
        end: 9,
    };
    let sent = wire::write("", &all).unwrap();
    assert_eq!(wire::read::<All>(&sent), Ok(all));
}
