//! The configuration, parsed from YAML and checked: where to read, how, and where to write.

mod endpoint;
mod file;
mod limits;
mod secrets;
mod suggestion;
mod transforms;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use client::{TopicSettings, Transform};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use reqwest::{Method, Url};
use rustls::pki_types::CertificateDer;
use serde::Deserialize;

use crate::certificates;
use crate::error::ConfigError;

use endpoint::endpoint;
use file::{File, Topic};
use secrets::Filler;
pub use secrets::Secrets;
pub(crate) use secrets::{Censor, Filled};

const TYPE: &str = "http-source";
const API_VERSIONS: [&str; 3] = ["0.0.0", "0.1.0", "0.2.0"];
const USER_AGENT_DEFAULT: &str = concat!("http-source/", env!("CARGO_PKG_VERSION"));
/// The time from one ping of a WebSocket to the next, if the file sets none: the default of Fluvio's connector.
const PING_EVERY_MS: u64 = 10_000;

/// A checked configuration. It contains the values of secrets, but its debug output shows none of them.
#[derive(Clone)]
pub struct Config {
    /// The connector's name in logs and in rejected records.
    pub name: String,
    /// Where records go.
    pub target: Target,
    /// How the endpoint is read.
    pub reading: Reading,
    /// What a record consists of.
    pub output: Output,
    /// Notes for the operator about keys of the file that have no effect.
    pub notes: Vec<String>,
    /// The SmartModules that process each record before it is written.
    pub transforms: Vec<Transform>,
    /// When polling, the time from one request to the next. After a permanent error, the minimum pause before the next
    /// attempt, however the endpoint is read.
    pub(crate) interval: Duration,
    /// Silence of this length counts as a lost connection.
    pub(crate) idle_timeout: Duration,
    pub(crate) url: Url,
    /// The endpoint without user, query and secrets, as it may be shown to people.
    pub(crate) endpoint: String,
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Filled>,
    pub(crate) censor: Censor,
    /// Certificates to trust in addition to those of the operating system.
    pub(crate) ca_certificates: Vec<CertificateDer<'static>>,
}

/// Where records go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// All records go to one topic.
    One(TopicSettings),
    /// A map from `event_name` to topic. Fluvio's connector does not have this form.
    ByEventName(BTreeMap<String, String>),
}

/// How the endpoint is read.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    /// Sends one request per interval; each response is a record.
    Polling,
    /// Reads one endless response and splits it into records at a delimiter.
    Streaming {
        /// The bytes between records.
        delimiter: String,
    },
    /// A WebSocket; each message is a record.
    WebSocket(Socket),
}

/// The settings of a WebSocket besides its endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Socket {
    /// The message that is sent first, if any.
    pub(crate) subscription: Option<Filled>,
    pub(crate) ping_every: Duration,
}

/// What a record consists of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// The form of the record.
    pub kind: OutputType,
    /// The parts of the response that the record contains.
    pub parts: OutputParts,
}

/// The form of a record: the configuration key `output_type`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputType {
    /// As it was received.
    #[default]
    Text,
    /// A JSON object with the parts as fields.
    Json,
}

/// The parts of a response that a record contains: the configuration key `output_parts`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputParts {
    /// The body alone.
    #[default]
    Body,
    /// The body, with status and headers.
    Full,
}

impl Config {
    /// Reads a configuration from YAML and inserts the values of its secrets.
    pub fn parse(yaml: &str, secrets: &Secrets) -> Result<Self, ConfigError> {
        let file: File = serde_yaml::from_str(yaml).map_err(|error| {
            ConfigError::Syntax(suggestion::with_suggestion(&error.to_string()))
        })?;
        check_kind(&file)?;
        let notes = notes(&file);
        let (meta, http) = (file.meta, file.http);
        let declared = meta.secrets.into_iter().map(|secret| secret.name);
        let mut filler = Filler::new(secrets, declared)?;
        let filled = filler.fill("http.endpoint", &http.endpoint.0)?;
        let (url, endpoint) = endpoint(&http.endpoint.0, &filled)?;
        let socket = url.scheme().starts_with("ws");
        let output = Output {
            kind: http.output_type,
            parts: http.output_parts,
        };
        let mut fill = |place: &str, text: Option<file::Text>| {
            text.map(|text| filler.fill(place, &text.0)).transpose()
        };
        let body = fill("http.body", http.body)?;
        let user_agent = fill("http.user-agent", http.user_agent)?;
        let headers = headers(&mut filler, http.headers, user_agent)?;
        let reading = if socket {
            websocket(&mut filler, http.websocket_config)?
        } else if http.stream {
            check_delimiter(&http.delimiter)?;
            Reading::Streaming {
                delimiter: http.delimiter,
            }
        } else {
            Reading::Polling
        };
        let transforms = transforms::transforms(&mut filler, file.transforms)?;
        let target = target(meta.topic)?;
        check_output(output, &target, socket)?;
        Ok(Self {
            name: meta.name,
            target,
            reading,
            output,
            notes,
            transforms,
            interval: limits::pause("http.interval", http.interval)?,
            idle_timeout: limits::pause("http.idle-timeout", http.idle_timeout)?,
            url,
            endpoint,
            method: method(&http.method)?,
            headers,
            body,
            censor: filler.censor,
            ca_certificates: certificates(http.ca_cert.as_deref())?,
        })
    }

    /// Returns the endpoint without user, query and secrets, as it may be shown to people.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Leaves out the URL, the headers and the body, which may contain secrets.
        formatter
            .debug_struct("Config")
            .field("name", &self.name)
            .field("endpoint", &self.endpoint)
            .field("target", &self.target)
            .field("reading", &self.reading)
            .finish_non_exhaustive()
    }
}

fn invalid(place: &str, value: &str, expected: &str) -> ConfigError {
    ConfigError::Invalid {
        place: place.to_owned(),
        value: value.to_owned(),
        expected: expected.to_owned(),
    }
}

fn check_kind(file: &File) -> Result<(), ConfigError> {
    if let Some(version) = file.api_version.as_deref()
        && !API_VERSIONS.contains(&version)
    {
        return Err(invalid("apiVersion", version, "write 0.1.0 or 0.2.0"));
    }
    if file.meta.kind != TYPE {
        return Err(invalid("meta.type", &file.meta.kind, "write `http-source`"));
    }
    if file.meta.name.trim().is_empty() {
        return Err(invalid(
            "meta.name",
            "",
            "give the connector a name; rejected records and log lines contain it",
        ));
    }
    Ok(())
}

fn notes(file: &File) -> Vec<String> {
    let mut notes = Vec::new();
    if file.meta.producer.is_some() {
        notes.push(
            "`meta.producer` is ignored: the connector sets batches and compression itself"
                .to_owned(),
        );
    }
    let websocket = file.http.websocket_config.as_ref();
    if websocket.is_some_and(|websocket| websocket.reconnection_policy.is_some()) {
        notes.push(
            "`http.websocket_config.reconnection_policy` is ignored: the connector retries without limit, with \
             pauses of up to 5 s"
                .to_owned(),
        );
    }
    notes
}

fn headers(
    filler: &mut Filler<'_>,
    lines: Vec<file::Text>,
    user_agent: Option<Filled>,
) -> Result<HeaderMap, ConfigError> {
    let mut headers = HeaderMap::new();
    let user_agent = match user_agent {
        Some(text) => value("http.user-agent", "***", text.reveal(), text.is_secret)?,
        None => HeaderValue::from_static(USER_AGENT_DEFAULT),
    };
    headers.insert(USER_AGENT, user_agent);
    for (index, line) in lines.into_iter().enumerate() {
        let place = format!("http.headers[{index}]");
        let filled = filler.fill(&place, &line.0)?;
        // Errors quote only the header's name: the rest of the line may contain a secret that was not declared.
        let shown = line.0.split([':', ' ']).next().unwrap_or_default();
        let refuse = || invalid(&place, shown, "write `Name: value`");
        let (name, text) = filled.reveal().split_once(':').ok_or_else(refuse)?;
        let name = HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| refuse())?;
        headers.append(name, value(&place, shown, text, filled.is_secret)?);
    }
    Ok(headers)
}

fn value(
    place: &str,
    written: &str,
    text: &str,
    is_secret: bool,
) -> Result<HeaderValue, ConfigError> {
    let mut value = HeaderValue::from_str(text.trim()).map_err(|_| {
        invalid(
            place,
            written,
            "use only printable ASCII characters in its value",
        )
    })?;
    value.set_sensitive(is_secret);
    Ok(value)
}

fn websocket(
    filler: &mut Filler<'_>,
    config: Option<file::WebSocket>,
) -> Result<Reading, ConfigError> {
    let (subscription, ping_ms) = match config {
        Some(config) => (config.subscription_message, config.ping_interval_ms),
        None => (None, None),
    };
    let place = "http.websocket_config.subscription_message";
    let subscription = subscription
        .map(|text| filler.fill(place, &text.0))
        .transpose()?;
    let place = "http.websocket_config.ping_interval_ms";
    let ping_ms = ping_ms.unwrap_or(PING_EVERY_MS);
    let ping_every = limits::pause(place, Duration::from_millis(ping_ms))?;
    Ok(Reading::WebSocket(Socket {
        subscription,
        ping_every,
    }))
}

fn target(topic: Topic) -> Result<Target, ConfigError> {
    let one = |name, partitions: u32, retention| TopicSettings {
        name,
        partitions,
        retention,
        storage: None,
    };
    match topic {
        Topic::Named(name) => Ok(Target::One(one(name, 1, None))),
        Topic::Described(config) => Ok(Target::One(limits::topic(one(
            config.meta.name,
            config.partition.count.unwrap_or(1),
            config.retention.time,
        ))?)),
        Topic::ByEventName(topics) if topics.is_empty() => Err(invalid(
            "meta.topic",
            "{}",
            "name a topic, or one for each event_name",
        )),
        Topic::ByEventName(topics) => Ok(Target::ByEventName(topics)),
    }
}

fn method(method: &str) -> Result<Method, ConfigError> {
    let refuse = |_| invalid("http.method", method, "write a method such as GET or POST");
    Method::from_bytes(method.to_uppercase().as_bytes()).map_err(refuse)
}

fn check_delimiter(delimiter: &str) -> Result<(), ConfigError> {
    if delimiter.is_empty() {
        let expected = "name the text between records, in double quotes: \"\\n\"";
        return Err(invalid("http.delimiter", "", expected));
    }
    Ok(())
}

fn certificates(file: Option<&Path>) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let Some(file) = file else {
        return Ok(Vec::new());
    };
    certificates::certificates(file)
        .map_err(|reason| invalid("http.ca-cert", &file.display().to_string(), &reason))
}

/// Refuses combinations that cannot work: WebSocket messages have no status or headers, and `event_name` can be
/// found only in a record that is an unchanged body.
fn check_output(output: Output, target: &Target, socket: bool) -> Result<(), ConfigError> {
    let refuse = |expected| {
        let (place, value) = match output.kind {
            OutputType::Json => ("http.output_type", "json"),
            OutputType::Text => ("http.output_parts", "full"),
        };
        Err(invalid(place, value, expected))
    };
    if output == Output::default() {
        Ok(())
    } else if socket {
        refuse("WebSocket messages are written unchanged: remove this key")
    } else if matches!(target, Target::ByEventName(_)) {
        refuse("with a map in `meta.topic`, records are unchanged bodies: remove this key")
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
