//! Lists stand only where the formats have them. Readers of Rust take a list of all its values for
//! an object, too; an audit has one form.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};

/// The fields that are lists.
const LISTS: [&str; 5] = ["epochs", "groups", "keys", "path", "groupPath"];

/// Looks at one value: whether it may be a list.
#[derive(Clone, Copy)]
pub struct Lists {
    may_be: bool,
}

impl Lists {
    /// Of a whole document, which is an object.
    pub const fn of_document() -> Self {
        Self { may_be: false }
    }
}

impl<'de> DeserializeSeed<'de> for Lists {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Lists {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        if !self.may_be {
            return Err(A::Error::custom(
                "a list stands where an object is expected",
            ));
        }
        while items.next_element_seed(Self { may_be: false })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        while let Some(name) = fields.next_key::<String>()? {
            let may_be = LISTS.contains(&name.as_str());
            fields.next_value_seed(Self { may_be })?;
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}
