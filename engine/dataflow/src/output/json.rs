//! Writes rows as JSON, byte for byte as `serde_json` does. Most of a row is text without escapes: field names, times
//! and ids. `serde_json` looks at each byte of a text; here, a text is searched eight bytes at a time. Numbers and
//! texts with escapes are left to `serde_json`.

use model::words;
use serde::ser::{self, Error as _, Serialize, Serializer};
use serde_json::Error;

/// Appends `value` as JSON.
pub(crate) fn append<T: Serialize + ?Sized>(value: &T, output: &mut Vec<u8>) -> Result<(), Error> {
    value.serialize(Json(output))
}

struct Json<'o>(&'o mut Vec<u8>);

/// Leaves values of these types to `serde_json`.
macro_rules! leave {
    ($($method:ident $type:ty,)*) => {$(
        fn $method(self, value: $type) -> Result<(), Error> {
            serde_json::to_writer(self.0, &value)
        }
    )*};
}

impl<'o> Json<'o> {
    /// Begins a list or an object. If it belongs to a variant of an enum, it is in an object with a single field, the
    /// variant's name.
    fn begin(self, variant: Option<&str>, brackets: [u8; 2]) -> Result<Compound<'o>, Error> {
        if let Some(variant) = variant {
            self.0.push(b'{');
            append(variant, self.0)?;
            self.0.push(b':');
        }
        let [open, close] = brackets;
        self.0.push(open);
        Ok(Compound {
            output: self.0,
            is_empty: true,
            close,
            has_variant: variant.is_some(),
        })
    }
}

const LIST: [u8; 2] = *b"[]";
const OBJECT: [u8; 2] = *b"{}";

impl<'o> Serializer for Json<'o> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Compound<'o>;
    type SerializeTuple = Compound<'o>;
    type SerializeTupleStruct = Compound<'o>;
    type SerializeTupleVariant = Compound<'o>;
    type SerializeMap = Compound<'o>;
    type SerializeStruct = Compound<'o>;
    type SerializeStructVariant = Compound<'o>;

    leave! {
        serialize_bool bool,
        serialize_i8 i8,
        serialize_i16 i16,
        serialize_i32 i32,
        serialize_i64 i64,
        serialize_i128 i128,
        serialize_u8 u8,
        serialize_u16 u16,
        serialize_u32 u32,
        serialize_u64 u64,
        serialize_u128 u128,
        serialize_f32 f32,
        serialize_f64 f64,
        serialize_char char,
    }

    #[inline]
    fn serialize_str(self, text: &str) -> Result<(), Error> {
        if words::has_special(text.as_bytes()) {
            return serde_json::to_writer(self.0, text);
        }
        self.0.reserve(text.len() + 2);
        self.0.push(b'"');
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(b'"');
        Ok(())
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), Error> {
        self.collect_seq(bytes)
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.0.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Error> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        let mut object = self.begin(None, OBJECT)?;
        object.field(variant, value)?;
        object.end()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Compound<'o>, Error> {
        self.begin(None, LIST)
    }

    fn serialize_tuple(self, _: usize) -> Result<Compound<'o>, Error> {
        self.begin(None, LIST)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Compound<'o>, Error> {
        self.begin(None, LIST)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'o>, Error> {
        self.begin(Some(variant), LIST)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Compound<'o>, Error> {
        self.begin(None, OBJECT)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Compound<'o>, Error> {
        self.begin(None, OBJECT)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'o>, Error> {
        self.begin(Some(variant), OBJECT)
    }
}

/// A list or an object that is being written.
struct Compound<'o> {
    output: &'o mut Vec<u8>,
    is_empty: bool,
    close: u8,
    /// Whether it is in an object of its own, with the name of a variant.
    has_variant: bool,
}

impl Compound<'_> {
    fn separate(&mut self) {
        if !std::mem::take(&mut self.is_empty) {
            self.output.push(b',');
        }
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.separate();
        append(value, self.output)
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Error> {
        self.element(name)?;
        self.output.push(b':');
        append(value, self.output)
    }

    fn end(self) -> Result<(), Error> {
        self.output.push(self.close);
        if self.has_variant {
            self.output.push(b'}');
        }
        Ok(())
    }
}

/// Implements one of serde's traits for lists, or for objects whose fields have names.
macro_rules! compound {
    ($trait:ident $method:ident) => {
        impl ser::$trait for Compound<'_> {
            type Ok = ();
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.element(value)
            }

            fn end(self) -> Result<(), Error> {
                self.end()
            }
        }
    };
    ($trait:ident) => {
        impl ser::$trait for Compound<'_> {
            type Ok = ();
            type Error = Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Error> {
                self.field(name, value)
            }

            fn end(self) -> Result<(), Error> {
                self.end()
            }
        }
    };
}

compound!(SerializeSeq serialize_element);
compound!(SerializeTuple serialize_element);
compound!(SerializeTupleStruct serialize_field);
compound!(SerializeTupleVariant serialize_field);
compound!(SerializeStruct);
compound!(SerializeStructVariant);

impl ser::SerializeMap for Compound<'_> {
    type Ok = ();
    type Error = Error;

    /// A key is a text, or a number or a truth value that is written as text.
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.separate();
        let start = self.output.len();
        append(key, self.output)?;
        match self.output.get(start) {
            Some(b'"') => {}
            Some(b'-' | b'0'..=b'9' | b't' | b'f') => {
                self.output.insert(start, b'"');
                self.output.push(b'"');
            }
            _ => return Err(Error::custom("key must be a string")),
        }
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.output.push(b':');
        append(value, self.output)
    }

    fn end(self) -> Result<(), Error> {
        self.end()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use model::derived::Derived;
    use model::{Timestamp, Window};
    use proptest::prelude::*;
    use serde::Serialize;

    use super::*;

    #[derive(Debug, Default, Serialize)]
    struct Fields {
        text: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        rare: Option<char>,
        #[serde(rename = "a \"name\"")]
        named: Option<f64>,
        by_number: BTreeMap<i64, bool>,
        by_truth: BTreeMap<bool, (f32, u128)>,
        by_text: BTreeMap<String, Vec<i128>>,
        kinds: Vec<Kind>,
        unit: (),
        bytes: [u8; 2],
    }

    #[derive(Clone, Debug, Serialize)]
    enum Kind {
        Unit,
        New(Text),
        Pair(u8, i16),
        Fields { a: u32, b: String },
    }

    #[derive(Clone, Debug, Serialize)]
    struct Text(String);

    fn kind() -> impl Strategy<Value = Kind> {
        prop_oneof![
            Just(Kind::Unit),
            any::<String>().prop_map(|text| Kind::New(Text(text))),
            any::<(u8, i16)>().prop_map(|(a, b)| Kind::Pair(a, b)),
            (any::<u32>(), "[a\\\\\"\n\u{7f}]{0,20}").prop_map(|(a, b)| Kind::Fields { a, b }),
        ]
    }

    proptest! {
        #[test]
        fn rows_are_written_as_serde_json_writes_them(
            text in "[ -~]{0,30}|[a-z\u{0}-\u{20}é]{0,30}",
            (rare, named) in any::<(Option<char>, Option<f64>)>(),
            by_number in any::<BTreeMap<i64, bool>>(),
            by_truth in any::<BTreeMap<bool, (f32, u128)>>(),
            by_text in any::<BTreeMap<String, Vec<i128>>>(),
            kinds in prop::collection::vec(kind(), 0..4),
            (start, revision) in (0..1_i64 << 50, any::<u32>()),
        ) {
            let bytes = [1, 255];
            let fields = Fields { text, rare, named, by_number, by_truth, by_text, kinds, unit: (), bytes };
            let window = Window::instant(Timestamp::from_millis(start));
            let row = Derived { withdrawn: rare.is_some(), ..Derived::new(window, fields, revision) };
            let mut json = b"before".to_vec();
            append(&row, &mut json).expect("encodes");
            prop_assert_eq!(&json[6..], serde_json::to_vec(&row).expect("encodes"));
        }
    }

    #[test]
    fn a_key_is_a_text() {
        let map = BTreeMap::from([((), 1)]);
        assert!(append(&map, &mut Vec::new()).is_err());
        assert!(serde_json::to_vec(&map).is_err());
    }
}
