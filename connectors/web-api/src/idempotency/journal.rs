//! The journal: a topic of intents and answers, read when the web API starts.

use std::collections::BTreeMap;

use bytes::Bytes;
use client::{Cluster, Mode, Record, Start};
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};

use super::book::{Book, Span};
use super::request::{Digest, RequestKey};
use crate::error::StartError;
use crate::limits::REMEMBERED;
use crate::source::Target;
use crate::writer::Outgoing;

/// The topic of the journal.
pub(crate) const TOPIC: &str = "web-api-requests";

/// What is about to be written for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Intent {
    pub(super) at_ms: i64,
    pub(super) digest: Digest,
    /// The offset in each partition before which none of its records stands, by topic.
    pub(super) from: BTreeMap<String, Vec<i64>>,
}

/// A request that was dealt with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Settled {
    pub(super) at_ms: i64,
    pub(super) digest: Digest,
    /// Where its records stand.
    pub(super) spans: Vec<Span>,
}

/// A record of the journal; its key is the request's.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Line {
    Intent {
        at_ms: i64,
        digest: String,
        from: BTreeMap<String, Vec<i64>>,
    },
    Answer {
        at_ms: i64,
        digest: String,
        /// Topic, partition, first offset, one past the last.
        at: Vec<(String, u32, i64, i64)>,
    },
}

impl Intent {
    pub(super) fn new(at_ms: i64, digest: Digest, from: BTreeMap<String, Vec<i64>>) -> Self {
        Self {
            at_ms,
            digest,
            from,
        }
    }

    pub(super) fn record(&self, key: RequestKey) -> Outgoing {
        let line = Line::Intent {
            at_ms: self.at_ms,
            digest: self.digest.to_string(),
            from: self.from.clone(),
        };
        outgoing(key, &line)
    }

    /// Two intents of one request: no record stands before the lesser of their offsets.
    pub(super) fn merge(&mut self, other: &Self) {
        for (topic, ends) in &other.from {
            let Some(mine) = self.from.get_mut(topic) else {
                continue;
            };
            for (mine, other) in mine.iter_mut().zip(ends) {
                *mine = (*mine).min(*other);
            }
        }
    }
}

/// The record that a request was dealt with. What it was answered follows from its body.
pub(super) fn answer_record(key: RequestKey, intent: &Intent, spans: &[Span]) -> Outgoing {
    let line = Line::Answer {
        at_ms: intent.at_ms,
        digest: intent.digest.to_string(),
        at: spans.iter().copied().map(Span::to_tuple).collect(),
    };
    outgoing(key, &line)
}

fn outgoing(key: RequestKey, line: &Line) -> Outgoing {
    Outgoing {
        key: Bytes::from(key.to_string()),
        // Numbers, names and JSON: there is nothing in it that cannot be written.
        value: Bytes::from(serde_json::to_vec(line).unwrap_or_default()),
    }
}

/// Reads what is not older than the memory into the book.
pub(super) async fn load(cluster: &Cluster, book: &Book, now_ms: i64) -> Result<(), StartError> {
    let since_ms = now_ms - REMEMBERED.as_millis() as i64;
    for partition in 0..cluster.partition_count(TOPIC).await? {
        let mut records = cluster
            .records(TOPIC, partition, Start::Beginning, Mode::UntilEnd)
            .await?;
        while let Some(record) = records.next().await {
            take(book, &record?, since_ms)?;
        }
    }
    tracing::info!(keys = book.len(), "idempotency keys of the last hour");
    Ok(())
}

fn take(book: &Book, record: &Record, since_ms: i64) -> Result<(), StartError> {
    let malformed = |cause| StartError::Journal {
        topic: TOPIC.to_owned(),
        offset: record.offset,
        cause,
    };
    let unknown = |what: &str| malformed(serde::de::Error::custom(format!("`{what}` is unknown")));
    let key = record.key.as_deref().and_then(RequestKey::from_bytes);
    let key = key.ok_or_else(|| unknown("the key"))?;
    let digest_of = |hex: &str| Digest::parse(hex).ok_or_else(|| unknown(hex));
    match serde_json::from_slice(&record.value).map_err(malformed)? {
        Line::Intent { at_ms, .. } | Line::Answer { at_ms, .. } if at_ms < since_ms => {}
        Line::Intent {
            at_ms,
            digest,
            from,
        } => book.load_intent(key, Intent::new(at_ms, digest_of(&digest)?, from)),
        Line::Answer { at_ms, digest, at } => {
            let spans = at.iter().map(|(topic, partition, start, end)| {
                let target = Target::of_topic(topic).ok_or_else(|| unknown(topic))?;
                Ok(Span::new(target, *partition, *start, *end))
            });
            let settled = Settled {
                at_ms,
                digest: digest_of(&digest)?,
                spans: spans.collect::<Result<_, StartError>>()?,
            };
            book.load_settled(key, settled);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::request::{digest, request_key};
    use super::*;
    use crate::idempotency::book::Begin;
    use std::sync::Arc;

    fn record(outgoing: Outgoing) -> Record {
        Record {
            offset: 0,
            timestamp_ms: None,
            key: Some(outgoing.key),
            value: outgoing.value,
        }
    }

    fn intent(ends: Vec<i64>) -> Intent {
        let from = BTreeMap::from([("player-events".to_owned(), ends)]);
        Intent::new(1_000, digest("/v1/events", "", b"{}"), from)
    }

    #[test]
    fn an_intent_is_in_doubt_after_a_restart_and_an_answer_stays() {
        let (book, key) = (Arc::new(Book::default()), request_key(None, "k"));
        take(&book, &record(intent(vec![5, 6]).record(key)), 0).unwrap();
        let doubted = Book::begin(&book, key, intent(vec![]).digest, 2_000).unwrap();
        let Begin::InDoubt(claim) = doubted else {
            panic!("not in doubt");
        };
        assert_eq!(claim.from()["player-events"], [5, 6]);
        drop(claim);
        let spans = [Span::new(Target::Rejected, 0, 3, 4)];
        let answered = answer_record(key, &intent(vec![5, 6]), &spans);
        take(&book, &record(answered), 0).unwrap();
        let answered = Book::begin(&book, key, intent(vec![]).digest, 2_000).unwrap();
        assert!(matches!(answered, Begin::Answered));
        assert_eq!(book.spans_of_others(request_key(None, "other")), spans);
    }

    #[test]
    fn of_two_intents_the_lesser_offsets_count_in_any_order() {
        let key = request_key(None, "k");
        for ends in [[vec![5, 9], vec![7, 8]], [vec![7, 8], vec![5, 9]]] {
            let book = Arc::new(Book::default());
            for ends in ends {
                take(&book, &record(intent(ends).record(key)), 0).unwrap();
            }
            match Book::begin(&book, key, intent(vec![]).digest, 2_000).unwrap() {
                Begin::InDoubt(claim) => assert_eq!(claim.from()["player-events"], [5, 8]),
                _ => panic!("not in doubt"),
            }
        }
    }

    #[test]
    fn what_is_too_old_is_left_and_what_is_unknown_is_an_error() {
        let (book, key) = (Book::default(), request_key(None, "k"));
        take(&book, &record(intent(vec![5]).record(key)), 1_001).unwrap();
        assert_eq!(book.len(), 0);
        let mut unknown = record(intent(vec![5]).record(key));
        unknown.value = Bytes::from_static(b"{\"later\":{}}");
        assert!(take(&book, &unknown, 0).is_err());
    }
}
