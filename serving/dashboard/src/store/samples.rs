//! Stores samples: the latest dead letters of a topic, each with the beginning of its payload.

use std::collections::VecDeque;

use client::{Offset, Partition, Record};
use model::Timestamp;
use serde::{Deserialize, Serialize};

use super::Unshown;
use super::shown::{FoldContext, ShownTopic};
use crate::limits::{NAME_CHARACTERS, SAMPLE_CHARACTERS, SAMPLES_MAX};
use crate::symbols::cut;

/// A record of `rejected-events` or `late-events`. Several services write these records, and not every service
/// writes every field.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// The time at which the dead letter was written, in milliseconds since 1970.
    #[serde(default)]
    at: i64,
    pub(crate) topic: Option<String>,
    partition: Option<Partition>,
    offset: Option<Offset>,
    pub(crate) reason: String,
    #[serde(default)]
    detail: String,
    derivation: Option<String>,
    event_time: Option<Timestamp>,
    origin: Option<String>,
    #[serde(default, skip_serializing)]
    part: u32,
    payload: Option<String>,
    /// The payload in base64, if it is not valid text.
    payload_base64: Option<String>,
}

impl Sample {
    pub(crate) fn read(value: &[u8], arrived: i64) -> Result<Self, Unshown> {
        let mut sample: Self = serde_json::from_slice(value)?;
        sample.at = arrived;
        shorten(&mut sample.reason, NAME_CHARACTERS);
        shorten(&mut sample.detail, SAMPLE_CHARACTERS);
        let texts = [
            &mut sample.topic,
            &mut sample.derivation,
            &mut sample.origin,
            &mut sample.payload,
            &mut sample.payload_base64,
        ];
        for text in texts.into_iter().flatten() {
            shorten(text, SAMPLE_CHARACTERS);
        }
        Ok(sample)
    }
}

/// The latest samples, and the number of dead letters seen so far.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    latest: VecDeque<Sample>,
    pub(crate) count: u64,
}

impl ShownTopic for Samples {
    fn empty() -> Self {
        Self::default()
    }

    fn fold(&mut self, record: &Record, context: &mut FoldContext<'_>) -> Result<(), Unshown> {
        self.add(Sample::read(&record.value, context.arrived)?);
        Ok(())
    }
}

impl Samples {
    fn add(&mut self, sample: Sample) {
        // A long payload is written in several parts. Only the first one is a sample.
        if sample.part > 0 {
            return;
        }
        self.count += 1;
        self.latest.push_front(sample);
        self.latest.truncate(SAMPLES_MAX);
    }

    /// Returns the samples, latest first.
    pub(crate) fn latest(&self) -> impl Iterator<Item = &Sample> {
        self.latest.iter()
    }
}

fn shorten(text: &mut String, characters: usize) {
    let end = cut(text, characters).len();
    if end < text.len() {
        text.truncate(end);
        text.push('…');
        text.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn long_payloads_are_cut_and_their_further_parts_are_skipped() {
        let mut samples = Samples::default();
        for part in 0..3 {
            let value = json!({"topic": "t", "partition": 0, "offset": 7, "reason": "not_json",
                "detail": "", "part": part, "parts": 3, "payload": "ü".repeat(10_000)});
            samples.add(Sample::read(value.to_string().as_bytes(), 5).unwrap());
        }
        assert_eq!(samples.count, 1);
        let kept = samples.latest().next().unwrap();
        assert_eq!(
            kept.payload.as_ref().unwrap().chars().count(),
            SAMPLE_CHARACTERS + 1
        );
    }

    #[test]
    fn only_the_latest_are_kept() {
        let mut samples = Samples::default();
        for number in 0..SAMPLES_MAX + 5 {
            let value = json!({"reason": "late", "detail": number.to_string()});
            samples.add(Sample::read(value.to_string().as_bytes(), 5).unwrap());
        }
        assert_eq!(
            (samples.latest.len(), samples.count),
            (SAMPLES_MAX, SAMPLES_MAX as u64 + 5)
        );
        assert_eq!(
            samples.latest().next().unwrap().detail,
            (SAMPLES_MAX + 4).to_string()
        );
    }
}
