//! The records of the lease topic, and how they determine which runner holds a lease.

use serde::{Deserialize, Serialize};

/// A record of the lease topic. The record's key is the name of the derivation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LeaseRecord {
    pub(super) runner: String,
    #[serde(flatten)]
    pub(super) kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(super) enum Kind {
    Claim {
        /// The holder of the lease as the claiming runner knows it; `None` if the lease is free.
        supersedes: Option<String>,
        /// Whether the process of the superseded runner was found dead. This explains the takeover to people who
        /// read the topic, and does not affect the lease.
        #[serde(default)]
        found_dead: bool,
    },
    Heartbeat,
    Release,
}

/// The holder of a lease according to the records up to some offset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) runner: Option<String>,
    /// Whether a claim or a heartbeat has been applied, or the whole log was read. Reading may begin in the middle of
    /// the history, where the holder is not known yet.
    known: bool,
}

impl Holder {
    /// Notes that all records of the log have been applied.
    pub(super) fn has_read_all(&mut self) {
        self.known = true;
    }

    /// Whether it is known that no runner holds the lease.
    pub(super) fn is_free(&self) -> bool {
        self.known && self.runner.is_none()
    }

    /// Applies the next record. Returns whether its runner was the holder before this record or is the holder after it.
    pub(super) fn apply(&mut self, record: LeaseRecord) -> bool {
        let holds = self.runner.as_ref() == Some(&record.runner);
        match record.kind {
            Kind::Claim { supersedes, .. } if !self.known || supersedes == self.runner => {
                self.runner = Some(record.runner)
            }
            Kind::Heartbeat if !self.known => self.runner = Some(record.runner),
            Kind::Release if holds => self.runner = None,
            Kind::Heartbeat => return holds,
            Kind::Claim { .. } | Kind::Release => return false,
        }
        self.known = true;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(runner: &str, supersedes: Option<&str>) -> LeaseRecord {
        let kind = Kind::Claim {
            supersedes: supersedes.map(str::to_owned),
            found_dead: false,
        };
        record(runner, kind)
    }

    fn record(runner: &str, kind: Kind) -> LeaseRecord {
        LeaseRecord {
            runner: runner.to_owned(),
            kind,
        }
    }

    fn holder_after(records: impl IntoIterator<Item = LeaseRecord>) -> Option<String> {
        let mut holder = Holder::default();
        for record in records {
            holder.apply(record);
        }
        holder.runner
    }

    #[test]
    fn of_two_claims_on_one_holder_the_first_counts() {
        let records = [
            claim("a", None),
            claim("b", Some("a")),
            claim("c", Some("a")),
            record("c", Kind::Heartbeat),
        ];
        assert_eq!(holder_after(records).as_deref(), Some("b"));
    }

    #[test]
    fn only_the_holder_releases() {
        let records = || [claim("a", None), record("b", Kind::Release)];
        assert_eq!(holder_after(records()).as_deref(), Some("a"));
        assert_eq!(
            holder_after(records().into_iter().chain([record("a", Kind::Release)])),
            None
        );
        let again = records().into_iter().chain([
            record("a", Kind::Release),
            claim("b", Some("a")),
            claim("c", None),
        ]);
        assert_eq!(
            holder_after(again).as_deref(),
            Some("c"),
            "`a` no longer held the lease when `b` claimed"
        );
    }

    #[test]
    fn a_tail_that_begins_with_a_heartbeat_names_the_holder() {
        assert_eq!(
            holder_after([record("a", Kind::Heartbeat), claim("b", None)]).as_deref(),
            Some("a")
        );
    }

    #[test]
    fn a_superseded_runner_is_not_heard() {
        let mut holder = Holder::default();
        for record in [claim("a", None), claim("b", Some("a"))] {
            holder.apply(record);
        }
        assert!(
            !holder.apply(record("a", Kind::Heartbeat))
                && holder.apply(record("b", Kind::Heartbeat))
        );
    }

    #[test]
    fn words_survive_the_wire() {
        let of_dead = Kind::Claim {
            supersedes: Some("b".to_owned()),
            found_dead: true,
        };
        for record in [
            claim("a", None),
            claim("a", Some("b")),
            record("a", of_dead),
            record("a", Kind::Heartbeat),
            record("a", Kind::Release),
        ] {
            let json = serde_json::to_string(&record).expect("serializes");
            assert_eq!(
                serde_json::from_str::<LeaseRecord>(&json).expect("deserializes"),
                record,
                "{json}"
            );
        }
    }

    #[test]
    fn a_claim_that_does_not_say_why_is_understood() {
        let json = r#"{"runner":"a","kind":"claim","supersedes":"b"}"#;
        assert_eq!(
            serde_json::from_str::<LeaseRecord>(json).expect("deserializes"),
            claim("a", Some("b"))
        );
    }
}
