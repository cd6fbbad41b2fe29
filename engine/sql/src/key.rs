//! The values of `GROUP BY` as fields of a record key, and back.

use std::borrow::Cow;

use model::Timestamp;

use crate::exact;
use crate::types::SqlType;
use crate::value::Value;

/// The field of NULL. A text that begins with a backslash gets another one in front of it.
const NULL: &str = "\\N";
const ESCAPE: char = '\\';

/// Returns whether the field for a text differs from it.
#[inline]
pub(crate) fn has_escape(text: &str) -> bool {
    text.starts_with(ESCAPE)
}

/// Returns the field for a value.
pub(crate) fn text<'a>(value: Value<'a>, ty: SqlType) -> Cow<'a, str> {
    match value {
        Value::Text(text) if has_escape(&text) => Cow::Owned(format!("{ESCAPE}{text}")),
        Value::Text(text) => text,
        Value::Timestamp(time) => Cow::Owned(time.to_string()),
        Value::Null => Cow::Borrowed(NULL),
        other => Cow::Owned(other.text(ty).unwrap_or_default().into_owned()),
    }
}

/// Returns the value of a field; NULL if the field is not of this type, as in the key of all events for whose own
/// keys there was no memory.
pub(crate) fn value(field: String, ty: SqlType) -> Value<'static> {
    let parsed = match ty {
        _ if field == NULL => None,
        SqlType::Text => {
            let text = field.strip_prefix(ESCAPE).map(str::to_owned);
            Some(Value::Text(Cow::Owned(text.unwrap_or(field))))
        }
        SqlType::Boolean => field.parse().ok().map(Value::Boolean),
        SqlType::Double => field.parse().ok().map(Value::Double),
        SqlType::Timestamp => Timestamp::parse(&field).map(Value::Timestamp),
        SqlType::Bigint | SqlType::Hugeint | SqlType::Decimal(_) => {
            exact::parse(&field, ty.scale().unwrap_or_default())
                .map(|units| Value::Exact(units.into()))
        }
        SqlType::Null => None,
    };
    parsed.unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(ty: SqlType) -> BoxedStrategy<Value<'static>> {
        let value = match ty {
            SqlType::Text => "[\\\\N|%a]{0,4}"
                .prop_map(|text| Value::Text(text.into()))
                .boxed(),
            SqlType::Boolean => any::<bool>().prop_map(Value::Boolean).boxed(),
            SqlType::Double => prop::num::f64::NORMAL.prop_map(Value::double).boxed(),
            SqlType::Timestamp => (-1_000_000_000_000_i64..2_000_000_000_000)
                .prop_map(|ms| Value::Timestamp(Timestamp::from_millis(ms)))
                .boxed(),
            _ => any::<i64>()
                .prop_map(|units| Value::exact(Some(units.into())))
                .boxed(),
        };
        prop_oneof![4 => value, 1 => Just(Value::Null)].boxed()
    }

    proptest! {
        #[test]
        fn every_value_is_read_back(
            (ty, value) in prop::sample::select(vec![
                SqlType::Text, SqlType::Boolean, SqlType::Double, SqlType::Timestamp, SqlType::Bigint,
                SqlType::Hugeint, SqlType::Decimal(2),
            ])
            .prop_flat_map(|ty| (Just(ty), of(ty))),
        ) {
            let field = text(value.clone(), ty).into_owned();
            prop_assert_eq!(super::value(field, ty), value);
        }
    }

    #[test]
    fn a_field_of_another_type_is_null() {
        assert_eq!(value("*".to_owned(), SqlType::Bigint), Value::Null);
        assert_eq!(
            value("*".to_owned(), SqlType::Text),
            Value::Text("*".into())
        );
    }
}
