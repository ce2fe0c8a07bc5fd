//! What stands in stored JSON that this version does not know: a later one wrote it, and was rolled
//! back.

use serde::de::value::Error;
use serde::de::{DeserializeOwned, Deserializer, Error as _, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Value};

/// Takes the fields out of an object that the struct `T` does not have, so that it can be read
/// although `T` allows no others. From anything but an object it takes nothing.
pub fn take_unknown<T: DeserializeOwned>(value: &mut Value) -> Map<String, Value> {
    let known = fields::<T>();
    let Some(object) = value.as_object_mut() else {
        return Map::new();
    };
    let all = core::mem::take(object).into_iter();
    let (kept, unknown) = all.partition(|(name, _)| known.contains(&name.as_str()));
    *object = kept;
    unknown
}

/// The names of a struct's fields.
fn fields<T: DeserializeOwned>() -> &'static [&'static str] {
    let mut found: &[&str] = &[];
    // It reads nothing, and is told what there is to read.
    let _ = T::deserialize(Asked(&mut found));
    found
}

struct Asked<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Asked<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom(""))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        *self.0 = fields;
        Err(Error::custom(""))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}
