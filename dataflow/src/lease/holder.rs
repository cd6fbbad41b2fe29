//! What runners say of a lease, and who holds it by what they have said.

use serde::{Deserialize, Serialize};

/// What a runner says of a derivation's lease; the record's key is the derivation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Word {
    pub(super) runner: String,
    #[serde(flatten)]
    pub(super) kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(super) enum Kind {
    Claim {
        supersedes: Option<String>,
        /// Whether the process of the superseded one was found dead, for whoever reads the topic to
        /// learn why the lease changed hands. It decides nothing.
        #[serde(default)]
        found_dead: bool,
    },
    Heartbeat,
    Release,
}

/// Who holds a lease, as the records up to some offset have it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) runner: Option<String>,
    /// Whether anything has been heard at all: the tail may begin in the middle of a story.
    known: bool,
}

impl Holder {
    /// Takes in the next word; whether it came from the holder.
    pub(super) fn hear(&mut self, word: Word) -> bool {
        let holds = self.runner.as_ref() == Some(&word.runner);
        match word.kind {
            Kind::Claim { supersedes, .. } if !self.known || supersedes == self.runner => {
                self.runner = Some(word.runner)
            }
            Kind::Heartbeat if !self.known => self.runner = Some(word.runner),
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

    fn claim(runner: &str, supersedes: Option<&str>) -> Word {
        let kind = Kind::Claim {
            supersedes: supersedes.map(str::to_owned),
            found_dead: false,
        };
        word(runner, kind)
    }

    fn word(runner: &str, kind: Kind) -> Word {
        Word {
            runner: runner.to_owned(),
            kind,
        }
    }

    fn holder_after(words: impl IntoIterator<Item = Word>) -> Option<String> {
        let mut holder = Holder::default();
        for word in words {
            holder.hear(word);
        }
        holder.runner
    }

    #[test]
    fn of_two_claims_on_one_holder_the_first_counts() {
        let words = [
            claim("a", None),
            claim("b", Some("a")),
            claim("c", Some("a")),
            word("c", Kind::Heartbeat),
        ];
        assert_eq!(holder_after(words).as_deref(), Some("b"));
    }

    #[test]
    fn only_the_holder_releases() {
        let words = || [claim("a", None), word("b", Kind::Release)];
        assert_eq!(holder_after(words()).as_deref(), Some("a"));
        assert_eq!(
            holder_after(words().into_iter().chain([word("a", Kind::Release)])),
            None
        );
        let again = words().into_iter().chain([
            word("a", Kind::Release),
            claim("b", Some("a")),
            claim("c", None),
        ]);
        assert_eq!(
            holder_after(again).as_deref(),
            Some("c"),
            "`a` held no more when `b` claimed"
        );
    }

    #[test]
    fn a_tail_that_begins_with_a_heartbeat_names_the_holder() {
        assert_eq!(
            holder_after([word("a", Kind::Heartbeat), claim("b", None)]).as_deref(),
            Some("a")
        );
    }

    #[test]
    fn a_superseded_runner_is_not_heard() {
        let mut holder = Holder::default();
        for word in [claim("a", None), claim("b", Some("a"))] {
            holder.hear(word);
        }
        assert!(
            !holder.hear(word("a", Kind::Heartbeat)) && holder.hear(word("b", Kind::Heartbeat))
        );
    }

    #[test]
    fn words_survive_the_wire() {
        let of_dead = Kind::Claim {
            supersedes: Some("b".to_owned()),
            found_dead: true,
        };
        for word in [
            claim("a", None),
            claim("a", Some("b")),
            word("a", of_dead),
            word("a", Kind::Heartbeat),
            word("a", Kind::Release),
        ] {
            let json = serde_json::to_string(&word).expect("serializes");
            assert_eq!(
                serde_json::from_str::<Word>(&json).expect("deserializes"),
                word,
                "{json}"
            );
        }
    }

    #[test]
    fn a_claim_that_does_not_say_why_is_understood() {
        let json = r#"{"runner":"a","kind":"claim","supersedes":"b"}"#;
        assert_eq!(
            serde_json::from_str::<Word>(json).expect("deserializes"),
            claim("a", Some("b"))
        );
    }
}
