//! Limits for the numbers, durations and names in the dataflow file. Clusters accept all values within these limits,
//! so provisioning does not fail because of a value that this check has accepted.

use std::collections::BTreeMap;
use std::time::Duration;

use model::REJECTED_EVENTS;

use super::{DataflowSpec, DerivationSpec, SpecError, WindowSpec};
use crate::topics::{ACCOUNTING, CHECKPOINTS, LATE_EVENTS, LEASES, SNAPSHOTS};

/// The maximum number of partitions of one topic, the same as in the local cluster. Each source partition needs a
/// stream with its own connection.
const PARTITIONS_PER_TOPIC_MAX: u32 = 256;
/// The maximum number of partitions of all topics together. The local cluster accepts 4,096. The difference is
/// reserved for topics that are not in the dataflow file.
const PARTITIONS_MAX: u32 = 4_000;
/// The shortest retention that a cluster accepts.
const RETENTION_MIN: Duration = Duration::from_secs(10);
/// The longest retention: a hundred years. Fluvio stores retention as seconds in 32 bits, which is enough for that.
const RETENTION_MAX: Duration = Duration::from_secs(100 * 366 * 86_400);
/// The maximum of all other durations, such as windows and lateness. It is far longer than useful, and far from an
/// overflow in milliseconds.
const DURATION_MAX: Duration = Duration::from_secs(366 * 86_400);
/// The shortest time between early rows. More frequent ones would be mostly work for their readers.
const EMIT_EVERY_MIN: Duration = Duration::from_secs(1);
/// The maximum number of hops in a window, and so of panes that are merged when the window closes.
const HOPS_MAX: u128 = 10_000;
/// The maximum value of `entries_max`. At about 200 bytes each, a billion entries take 200 GB, far more than a
/// runner should use.
const ENTRIES_MAX: usize = 1_000_000_000;
/// The maximum length of a name in Fluvio.
const NAME_CHARACTERS_MAX: usize = 63;

impl DataflowSpec {
    /// Checks the names of topics, the numbers of partitions, the durations and `entries_max`.
    pub(super) fn check_limits(&self) -> Result<(), SpecError> {
        self.check_names()?;
        for (name, source) in &self.sources {
            let place = |field: &str| format!("sources.{name}.{field}");
            check_partitions(place("partitions"), source.partitions)?;
            check_retention(place("retention"), source.retention)?;
        }
        for (name, spec) in &self.derivations {
            spec.check_limits(name)?;
        }
        let sources = self.sources.values().map(|source| source.partitions);
        let derived = self.derivations.values().map(|spec| spec.partitions);
        let tables = self.tables.values().map(|_| 1);
        match sources.chain(tables).chain(derived).sum::<u32>() {
            ..=PARTITIONS_MAX => Ok(()),
            partitions => Err(SpecError::Partitions {
                partitions,
                max: PARTITIONS_MAX,
            }),
        }
    }

    /// Checks that every topic has a unique name that a cluster accepts.
    fn check_names(&self) -> Result<(), SpecError> {
        let own = [
            CHECKPOINTS,
            SNAPSHOTS,
            LEASES,
            REJECTED_EVENTS,
            LATE_EVENTS,
            ACCOUNTING,
        ];
        let mut taken: BTreeMap<&str, &str> = own
            .map(|name| (name, "one of the runner's own topics"))
            .into();
        let rules = self.derivations.iter().filter_map(|(name, spec)| {
            let topic = spec.rules.as_ref()?;
            Some((format!("derivations.{name}.rules"), topic, "a rules topic"))
        });
        let sources = self.sources.keys();
        let derived = self.derivations.keys();
        let tables = self.tables.keys();
        let topics = sources
            .map(|name| (format!("sources.{name}"), name, "a source"))
            .chain(tables.map(|name| (format!("tables.{name}"), name, "a table")))
            .chain(derived.map(|name| (format!("derivations.{name}"), name, "a derived topic")))
            .chain(rules);
        for (place, name, kind) in topics {
            if !is_topic_name(name) {
                let expected =
                    "topic names have at most 63 lower-case letters, digits and inner dashes";
                return Err(invalid(place, name, expected));
            }
            if let Some(other) = taken.insert(name, kind) {
                let expected =
                    format!("this is already the name of {other}; choose a different one");
                return Err(invalid(place, name, expected));
            }
        }
        Ok(())
    }
}

impl DerivationSpec {
    fn check_limits(&self, name: &str) -> Result<(), SpecError> {
        let place = |field: &str| format!("derivations.{name}.{field}");
        check_partitions(place("partitions"), self.partitions)?;
        check_retention(place("retention"), self.retention)?;
        for (field, duration) in [
            ("lateness", self.lateness),
            ("allowed_lateness", self.allowed_lateness),
            ("idle_timeout", self.idle_timeout),
            ("max_skew", self.max_skew),
        ] {
            check_duration(place(field), duration)?;
        }
        if let Some(every) = self.emit_every {
            check_duration(place("emit_every"), every)?;
            if every < EMIT_EVERY_MIN {
                let value = humantime::format_duration(every).to_string();
                return Err(invalid(place("emit_every"), &value, "at least `1s`"));
            }
        }
        match self.window {
            None => {}
            Some(WindowSpec::Tumbling(size)) => check_duration(place("window"), size)?,
            Some(WindowSpec::Session(gap)) => check_duration(place("window"), gap)?,
            Some(WindowSpec::Hopping { size, hop }) => {
                check_duration(place("window"), size)?;
                check_duration(place("window"), hop)?;
                if size.as_millis() > hop.as_millis().saturating_mul(HOPS_MAX) && !hop.is_zero() {
                    let value = format!("{{size: {size:?}, hop: {hop:?}}}");
                    let expected = "a window has at most 10000 hops";
                    return Err(invalid(place("window"), &value, expected));
                }
            }
        }
        if (1..=ENTRIES_MAX).contains(&self.entries_max) {
            return Ok(());
        }
        let value = self.entries_max.to_string();
        Err(invalid(
            place("entries_max"),
            &value,
            "1 to 1000000000 entries",
        ))
    }
}

/// Whether a cluster accepts this topic name.
fn is_topic_name(name: &str) -> bool {
    let is_inside = |character: char| {
        character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-'
    };
    (1..=NAME_CHARACTERS_MAX).contains(&name.len())
        && name.chars().all(is_inside)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

fn check_partitions(place: String, partitions: u32) -> Result<(), SpecError> {
    if (1..=PARTITIONS_PER_TOPIC_MAX).contains(&partitions) {
        return Ok(());
    }
    Err(invalid(
        place,
        &partitions.to_string(),
        "1 to 256 partitions",
    ))
}

fn check_retention(place: String, retention: Option<Duration>) -> Result<(), SpecError> {
    let Some(retention) = retention else {
        return Ok(());
    };
    let is_allowed = (RETENTION_MIN..=RETENTION_MAX).contains(&retention);
    if is_allowed && retention.subsec_nanos() == 0 {
        return Ok(());
    }
    let value = humantime::format_duration(retention).to_string();
    Err(invalid(
        place,
        &value,
        "whole seconds, from `10s` to a hundred years",
    ))
}

fn check_duration(place: String, duration: Duration) -> Result<(), SpecError> {
    let is_whole = duration.subsec_nanos().is_multiple_of(1_000_000);
    if is_whole && duration <= DURATION_MAX {
        return Ok(());
    }
    let value = humantime::format_duration(duration).to_string();
    Err(invalid(
        place,
        &value,
        "whole milliseconds, at most a year (`366d`)",
    ))
}

fn invalid(place: String, value: &str, expected: impl Into<String>) -> SpecError {
    SpecError::Invalid {
        place,
        value: value.to_owned(),
        expected: expected.into(),
    }
}
