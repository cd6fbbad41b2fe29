//! The structure of the configuration file: all known keys and their types. The rest of `config` checks the
//! values.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_yaml::Value;

use super::{OutputParts, OutputType};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(rename = "apiVersion")]
    pub(super) api_version: Option<String>,
    pub(super) meta: Meta,
    pub(super) http: Http,
    #[serde(default)]
    pub(super) transforms: Vec<Transform>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Meta {
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) topic: Topic,
    #[serde(rename = "version")]
    pub(super) _version: Option<String>,
    pub(super) producer: Option<Producer>,
    #[serde(default)]
    pub(super) secrets: Vec<Secret>,
    /// Occurs in older files. It has no effect, because missing topics are always created.
    #[serde(rename = "create-topic", alias = "create_topic")]
    pub(super) _create_topic: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Secret {
    pub(super) name: String,
}

/// The settings of the producer. They are accepted and ignored.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Producer {
    #[serde(rename = "linger")]
    _linger: Option<String>,
    #[serde(rename = "compression")]
    _compression: Option<String>,
    #[serde(rename = "batch-size", alias = "batch_size")]
    _batch_size: Option<Value>,
    #[serde(rename = "max-request-size", alias = "max_request_size")]
    _max_request_size: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Http {
    pub(super) endpoint: Text,
    #[serde(default = "get")]
    pub(super) method: String,
    #[serde(default = "ten_seconds", deserialize_with = "duration")]
    pub(super) interval: Duration,
    #[serde(default)]
    pub(super) headers: Vec<Text>,
    pub(super) body: Option<Text>,
    #[serde(rename = "user-agent", alias = "user_agent")]
    pub(super) user_agent: Option<Text>,
    #[serde(default)]
    pub(super) stream: bool,
    #[serde(default = "newline")]
    pub(super) delimiter: String,
    #[serde(default, alias = "output-type")]
    pub(super) output_type: OutputType,
    #[serde(default, alias = "output-parts")]
    pub(super) output_parts: OutputParts,
    #[serde(alias = "websocket-config")]
    pub(super) websocket_config: Option<WebSocket>,
    /// An extension: Fluvio's connector does not have this key.
    #[serde(
        rename = "idle-timeout",
        alias = "idle_timeout",
        default = "one_minute",
        deserialize_with = "duration"
    )]
    pub(super) idle_timeout: Duration,
    /// An extension: Fluvio's connector does not have this key.
    #[serde(rename = "ca-cert", alias = "ca_cert")]
    pub(super) ca_cert: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WebSocket {
    pub(super) subscription_message: Option<Text>,
    pub(super) ping_interval_ms: Option<u64>,
    pub(super) reconnection_policy: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Transform {
    pub(super) uses: String,
    #[serde(default)]
    pub(super) with: BTreeMap<String, serde_json::Value>,
    /// Asks Fluvio to pass earlier records of the topic to the module first. Fluvio supports this for consumers only,
    /// so a file with this key is refused.
    pub(super) lookback: Option<Value>,
    #[serde(rename = "invoke")]
    _invoke: Option<Invoke>,
}

/// Occurs in older files. Its only value is the default, so it has no effect.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Invoke {
    Insert,
}

/// A text that may contain `${{ secrets.NAME }}`. A text that is one secret and nothing else may also be written
/// as `{secret: {name: NAME}}`.
pub(super) struct Text(pub(super) String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SecretText {
    secret: Secret,
}

/// `meta.topic` in its three forms.
pub(super) enum Topic {
    Named(String),
    Described(TopicConfig),
    ByEventName(BTreeMap<String, String>),
}

/// The description of a topic in version 0.2.0 of the file format.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TopicConfig {
    #[serde(rename = "version")]
    _version: Option<String>,
    pub(super) meta: TopicMeta,
    #[serde(default)]
    pub(super) partition: TopicPartition,
    #[serde(default)]
    pub(super) retention: TopicRetention,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TopicMeta {
    pub(super) name: String,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TopicPartition {
    pub(super) count: Option<u32>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TopicRetention {
    #[serde(default, deserialize_with = "optional_duration")]
    pub(super) time: Option<Duration>,
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a string, or `{secret: {name: NAME}}`")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Text, E> {
                Ok(Text(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Text, A::Error> {
                let text = SecretText::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Text(format!("${{{{ secrets.{} }}}}", text.secret.name)))
            }
        }
        deserializer.deserialize_any(TextVisitor)
    }
}

impl<'de> Deserialize<'de> for Topic {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TopicVisitor;
        impl<'de> Visitor<'de> for TopicVisitor {
            type Value = Topic;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter
                    .write_str("a topic's name, its description, or a map from event_name to topic")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Topic, E> {
                Ok(Topic::Named(name.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Topic, A::Error> {
                let value = Value::deserialize(MapAccessDeserializer::new(map))?;
                let is_description = value.get("meta").is_some_and(Value::is_mapping);
                if is_description {
                    let config = serde_yaml::from_value(value).map_err(A::Error::custom)?;
                    return Ok(Topic::Described(config));
                }
                let topics = serde_yaml::from_value(value).map_err(A::Error::custom)?;
                Ok(Topic::ByEventName(topics))
            }
        }
        deserializer.deserialize_any(TopicVisitor)
    }
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    humantime::parse_duration(&text).map_err(|error| {
        D::Error::custom(format!(
            "`{text}` is not a duration such as `10s` or `500ms`: {error}"
        ))
    })
}

fn optional_duration<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    duration(deserializer).map(Some)
}

fn get() -> String {
    "GET".to_owned()
}

fn ten_seconds() -> Duration {
    Duration::from_secs(10)
}

/// The default idle timeout. Most servers of live streams send blank lines far more often than once a minute while
/// they have no data.
fn one_minute() -> Duration {
    Duration::from_secs(60)
}

fn newline() -> String {
    "\n".to_owned()
}
