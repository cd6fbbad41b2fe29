//! The response to a request whose records were all processed.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Serialize;
use utoipa::ToSchema;

use crate::validate::Checked;

/// The response to a request whose body could be split into records: each record was written to its topic, or
/// kept with a reason in `rejected-events`.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Answer {
    /// The number of records written to their topics.
    pub(crate) accepted: usize,
    /// The number of rejected records.
    pub(crate) rejected: usize,
    /// The rejected records, in the order of the request.
    pub(crate) rejections: Vec<Rejection>,
    /// A description of an event, present if a record has a different format.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "an event is an object with `event_name`, …")]
    hint: Option<String>,
}

/// A record that was not written to its topic.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Rejection {
    /// Its position in the request, from 0.
    index: usize,
    /// The reason: `not_json`, `missing_field`, `wrong_type`, `invalid_timestamp`, `out_of_range` or
    /// `too_large`.
    #[schema(example = "missing_field")]
    reason: &'static str,
    /// The field or column at fault, or `record`.
    #[schema(example = "parameters.player_id")]
    detail: Cow<'static, str>,
}

impl Answer {
    pub(crate) fn to(checked: &Checked) -> Self {
        let rejections = checked.rejected.iter().map(|rejected| Rejection {
            index: rejected.index,
            reason: rejected.rejection.reason.name(),
            detail: rejected.rejection.subject.clone(),
        });
        Self {
            accepted: checked.accepted.len(),
            rejected: checked.rejected.len(),
            rejections: rejections.collect(),
            hint: checked.hint.clone(),
        }
    }

    pub(crate) fn json(&self) -> Bytes {
        // Encoding numbers and strings cannot fail.
        Bytes::from(serde_json::to_vec(self).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::Sources;
    use crate::topics::BuiltIn;
    use crate::validate::{
        Route, check,
        tests::{PLAYER, to},
    };

    #[test]
    fn an_answer_counts_the_records_and_lists_the_rejected_ones() {
        let faulty = PLAYER.replace("map_id", "map");
        let records = [PLAYER, &faulty, PLAYER].map(|text| Bytes::copy_from_slice(text.as_bytes()));
        let checked = check(
            records.to_vec(),
            &to(BuiltIn::PlayerEvents),
            &Sources::built_in(),
            None,
            0,
        )
        .unwrap();
        assert_eq!(
            Answer::to(&checked).json(),
            concat!(
                r#"{"accepted":2,"rejected":1,"rejections":[{"index":1,"reason":"missing_field","#,
                r#""detail":"parameters.map_id"}]}"#,
            )
        );
    }

    #[test]
    fn the_answer_to_records_of_another_kind_describes_an_event() {
        let hinted = |record: &str, route: &Route| {
            let record = Bytes::copy_from_slice(record.as_bytes());
            let answer =
                Answer::to(&check(vec![record], route, &Sources::built_in(), None, 0).unwrap());
            assert_eq!(answer.rejected, 1);
            answer.hint.is_some()
        };
        for record in [
            r#"{"batch":[{"type":"track","event":"Level Up"}],"sentAt":"2024-11-12T10:15:30Z"}"#,
            r#"{"api_key":"k","events":[]}"#,
            r#"{"category":"user","v":2}"#,
            "[1]",
            "\"text\"",
        ] {
            assert!(hinted(record, &Route::ByName), "{record}");
            assert!(hinted(record, &to(BuiltIn::PlayerEvents)), "{record}");
        }
        assert!(hinted(r#"{"event_name":"$pageview"}"#, &Route::ByName));
        for record in [r#"{"event_name":"transaction"}"#, r#"{"event_name":"#] {
            assert!(!hinted(record, &Route::ByName), "{record}");
        }
    }
}
