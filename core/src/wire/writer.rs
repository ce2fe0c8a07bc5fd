//! Writes postcard, with the length in bytes before the fields of each struct and of each variant
//! that has fields: so a reader that knows fewer fields finds the end of those it does not know.

use postcard::ser_flavors::Flavor;
use postcard::{Error, Result, Serializer as Plain};
use serde::Serialize;
use serde::ser::{
    SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

/// A length below this is one byte.
const ONE_BYTE: u8 = 0x80;
/// The most bytes that a length takes.
const LENGTH_BYTES: usize = 5;

/// Writes a message.
pub fn write<T: Serialize + ?Sized>(message: &T) -> Result<Vec<u8>> {
    let output = Bytes(Vec::with_capacity(256));
    let mut writer = Writer(Plain { output });
    message.serialize(&mut writer)?;
    Ok(writer.0.output.0)
}

/// What was written so far.
struct Bytes(Vec<u8>);

impl Flavor for Bytes {
    type Output = Vec<u8>;

    fn try_push(&mut self, byte: u8) -> Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> Result<Vec<u8>> {
        Ok(self.0)
    }
}

struct Writer(Plain<Bytes>);

impl Writer {
    fn length(&mut self, length: Option<usize>) -> Result<&mut Self> {
        let length = length.ok_or(Error::SerializeSeqLengthUnknown)?;
        length.serialize(&mut self.0)?;
        Ok(self)
    }
}

/// The fields of a struct, from their length on.
struct Fields<'a> {
    writer: &'a mut Writer,
    from: usize,
}

impl<'a> Fields<'a> {
    fn begin(writer: &'a mut Writer) -> Self {
        let bytes = &mut writer.0.output.0;
        let from = bytes.len();
        bytes.push(0);
        Self { writer, from }
    }

    fn add<T: Serialize + ?Sized>(&mut self, field: &T) -> Result<()> {
        field.serialize(&mut *self.writer)
    }

    fn finish(self) -> Result<()> {
        let bytes = &mut self.writer.0.output.0;
        let length = bytes.len().saturating_sub(self.from).saturating_sub(1);
        let short = u8::try_from(length).ok().filter(|short| *short < ONE_BYTE);
        if let (Some(short), Some(place)) = (short, bytes.get_mut(self.from)) {
            *place = short;
        } else {
            let mut place = [0; LENGTH_BYTES];
            let long = postcard::to_slice(&length, &mut place)?;
            bytes.splice(self.from..=self.from, long.iter().copied());
        }
        Ok(())
    }
}

macro_rules! plainly {
    ($($method:ident($kind:ty)),*) => {
        $(fn $method(self, value: $kind) -> Result<()> {
            self.0.$method(value)
        })*
    };
}

impl<'a> Serializer for &'a mut Writer {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Fields<'a>;
    type SerializeMap = Self;
    type SerializeStruct = Fields<'a>;
    type SerializeStructVariant = Fields<'a>;

    plainly!(
        serialize_bool(bool),
        serialize_i8(i8),
        serialize_i16(i16),
        serialize_i32(i32),
        serialize_i64(i64),
        serialize_u8(u8),
        serialize_u16(u16),
        serialize_u32(u32),
        serialize_u64(u64),
        serialize_f32(f32),
        serialize_f64(f64),
        serialize_char(char),
        serialize_str(&str),
        serialize_bytes(&[u8]),
        serialize_unit_struct(&'static str)
    );

    fn is_human_readable(&self) -> bool {
        false
    }

    fn serialize_none(self) -> Result<()> {
        self.0.serialize_none()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<()> {
        self.0.serialize_u8(1)?;
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<()> {
        self.0.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, index: u32, _: &'static str) -> Result<()> {
        self.0.serialize_u32(index)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<()> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        value: &T,
    ) -> Result<()> {
        self.0.serialize_u32(index)?;
        value.serialize(self)
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Self> {
        self.length(length)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self> {
        Ok(self)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self> {
        Ok(self)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Fields<'a>> {
        self.0.serialize_u32(index)?;
        Ok(Fields::begin(self))
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Self> {
        self.length(length)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Fields<'a>> {
        Ok(Fields::begin(self))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Fields<'a>> {
        self.0.serialize_u32(index)?;
        Ok(Fields::begin(self))
    }
}

/// What has no fields that could be added: its elements one after the other.
macro_rules! elements {
    ($($kind:ident::$method:ident),*) => {
        $(impl $kind for &mut Writer {
            type Ok = ();
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(&mut self, element: &T) -> Result<()> {
                element.serialize(&mut **self)
            }

            fn end(self) -> Result<()> {
                Ok(())
            }
        })*
    };
}

elements!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field
);

impl SerializeMap for &mut Writer {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<()> {
        key.serialize(&mut **self)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        value.serialize(&mut **self)
    }

    fn end(self) -> Result<()> {
        Ok(())
    }
}

impl SerializeTupleVariant for Fields<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, field: &T) -> Result<()> {
        self.add(field)
    }

    fn end(self) -> Result<()> {
        self.finish()
    }
}

/// What has names for its fields. One that is left out would shift all that follow.
macro_rules! named {
    ($($kind:ident),*) => {
        $(impl $kind for Fields<'_> {
            type Ok = ();
            type Error = Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                _: &'static str,
                field: &T,
            ) -> Result<()> {
                self.add(field)
            }

            fn skip_field(&mut self, _: &'static str) -> Result<()> {
                Err(Error::WontImplement)
            }

            fn end(self) -> Result<()> {
                self.finish()
            }
        })*
    };
}

named!(SerializeStruct, SerializeStructVariant);
