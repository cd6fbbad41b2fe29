//! Chooses the topic and the key of each record.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use client::KeyValue;
use model::json::without_byte_order_mark;
use model::{Reason, Rejection};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::config::Target;
use crate::envelope;

const EVENT_NAME: &str = "event_name";

/// A record on its way to a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Routed {
    pub(crate) topic: Arc<str>,
    pub(crate) key: Option<Bytes>,
    pub(crate) value: Bytes,
}

impl Routed {
    pub(crate) fn bytes(&self) -> usize {
        self.key.as_ref().map_or(0, Bytes::len) + self.value.len()
    }
}

#[derive(Debug)]
pub(crate) struct Router {
    ways: Ways,
    /// By topic, the dotted path of the field that contains the key.
    key_paths: BTreeMap<String, String>,
    /// Whether records are unchanged bodies. Only such records are unwrapped from envelopes.
    plain: bool,
}

#[derive(Debug)]
enum Ways {
    One(Arc<str>),
    ByEventName(BTreeMap<String, Arc<str>>),
}

impl Router {
    pub(crate) fn new(target: &Target, key_paths: BTreeMap<String, String>, plain: bool) -> Self {
        let ways = match target {
            Target::One(topic) => Ways::One(topic.name.as_str().into()),
            Target::ByEventName(topics) => Ways::ByEventName(
                topics
                    .iter()
                    .map(|(name, topic)| (name.clone(), topic.as_str().into()))
                    .collect(),
            ),
        };
        Self {
            ways,
            key_paths,
            plain,
        }
    }

    /// If `plain` is set and the payload is an envelope, returns the envelope's key and event. Otherwise returns the
    /// payload unchanged, without a key.
    pub(crate) fn unwrap(&self, payload: Bytes) -> KeyValue {
        if self.plain {
            envelope::unwrap(payload)
        } else {
            (None, payload)
        }
    }

    /// Finds the topic of the record, and its key if it has none yet.
    pub(crate) fn route(&self, (key, value): KeyValue) -> Result<Routed, Rejection> {
        let topic = match &self.ways {
            Ways::One(topic) => topic,
            Ways::ByEventName(topics) => by_event_name(topics, &value)?,
        };
        let key = key.or_else(|| self.key(topic, &value));
        Ok(Routed {
            topic: Arc::clone(topic),
            key,
            value,
        })
    }

    fn key(&self, topic: &str, value: &[u8]) -> Option<Bytes> {
        let path = self.key_paths.get(topic)?;
        let mut found = field_of(value, path.split('.').next()?).ok()??;
        for name in path.split('.').skip(1) {
            found = field_of(found.get().as_bytes(), name).ok()??;
        }
        let key: String = serde_json::from_str(found.get()).ok()?;
        (!key.is_empty()).then(|| key.into())
    }
}

fn by_event_name<'t>(
    topics: &'t BTreeMap<String, Arc<str>>,
    value: &[u8],
) -> Result<&'t Arc<str>, Rejection> {
    let not_json = |_| Rejection::new(Reason::NotJson, "record");
    let found = field_of(value, EVENT_NAME).map_err(not_json)?;
    let found = found.ok_or(Rejection::new(Reason::MissingField, EVENT_NAME))?;
    if found.get() == "null" {
        return Err(Rejection::new(Reason::MissingField, EVENT_NAME));
    }
    let name: String = serde_json::from_str(found.get())
        .map_err(|_| Rejection::new(Reason::WrongType, EVENT_NAME))?;
    topics
        .get(&name)
        .ok_or(Rejection::new(Reason::OutOfRange, EVENT_NAME))
}

/// Returns a field of a JSON object; the last one if it occurs several times.
fn field_of<'r>(object: &'r [u8], name: &str) -> Result<Option<&'r RawValue>, serde_json::Error> {
    let object = without_byte_order_mark(object);
    let mut deserializer = serde_json::Deserializer::from_slice(object);
    let found = Field(name).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(found)
}

/// Deserializes only the field with this name, without parsing its value.
struct Field<'n>(&'n str);

impl<'de> DeserializeSeed<'de> for Field<'_> {
    type Value = Option<&'de RawValue>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Field<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(name) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            if name == self.0 {
                found = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Err(E::invalid_type(serde::de::Unexpected::Unit, &self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "parameters.player_id";

    fn by_name() -> Router {
        let topics = [("player_action", "player-events"), ("x", "other")];
        let topics = topics.map(|(name, topic)| (name.to_owned(), topic.to_owned()));
        let keys = [("player-events".to_owned(), KEY.to_owned())];
        Router::new(&Target::ByEventName(topics.into()), keys.into(), true)
    }

    fn routed(payload: &str) -> Result<(String, Option<String>, String), String> {
        let text = |bytes: Bytes| String::from_utf8(bytes.to_vec()).expect("text");
        let router = by_name();
        let record = router.unwrap(Bytes::copy_from_slice(payload.as_bytes()));
        router
            .route(record)
            .map(|routed| {
                (
                    routed.topic.to_string(),
                    routed.key.map(text),
                    text(routed.value),
                )
            })
            .map_err(|rejection| rejection.to_string())
    }

    #[test]
    fn event_names_choose_topics_and_fields_choose_keys() {
        let event = r#"{"event_name":"player_action","parameters":{"player_id":"p\u00e9"}}"#;
        let wrapped = format!(r#"{{"key":"mine","event":{event}}}"#);
        for (payload, topic, key, value) in [
            (event, "player-events", Some("pé"), event),
            (&wrapped, "player-events", Some("mine"), event),
            (
                r#"{"event_name":"x"}"#,
                "other",
                None,
                r#"{"event_name":"x"}"#,
            ),
            (
                r#"{"event_name":"player_action","parameters":[1]}"#,
                "player-events",
                None,
                r#"{"event_name":"player_action","parameters":[1]}"#,
            ),
            (
                r#"{"event_name":"?","event_name":"x"}"#,
                "other",
                None,
                r#"{"event_name":"?","event_name":"x"}"#,
            ),
            (
                "\u{feff}{\"event_name\":\"x\"}",
                "other",
                None,
                "\u{feff}{\"event_name\":\"x\"}",
            ),
        ] {
            let expected = (
                topic.to_owned(),
                key.map(ToOwned::to_owned),
                value.to_owned(),
            );
            assert_eq!(routed(payload), Ok(expected), "{payload}");
        }
    }

    #[test]
    fn what_names_no_known_event_is_refused_with_its_reason() {
        for (payload, reason) in [
            ("", "not_json: `record`"),
            ("null", "not_json: `record`"),
            ("[]", "not_json: `record`"),
            (r#"{"event_name":"x"} {}"#, "not_json: `record`"),
            (r#"{"event_name":"x""#, "not_json: `record`"),
            (r#"{"a":1}"#, "missing_field: `event_name`"),
            (r#"{"event_name":null}"#, "missing_field: `event_name`"),
            (r#"{"event_name":7}"#, "wrong_type: `event_name`"),
            (r#"{"event_name":"y"}"#, "out_of_range: `event_name`"),
        ] {
            assert_eq!(routed(payload), Err(reason.to_owned()), "{payload}");
        }
        let latin = Bytes::from_static(b"{\"event_name\":\"x\xe9\"}");
        let error = by_name().route((None, latin)).expect_err("no UTF-8");
        assert_eq!(error.reason, Reason::NotJson);
    }
}
