//! What a request is answered with once all of it has been dealt with.

use bytes::Bytes;
use serde::Serialize;
use utoipa::ToSchema;

use crate::validate::Checked;

/// The answer to a request whose records could be told apart: each was written to its topic or kept,
/// with its reason, in `rejected-events`.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Answer {
    /// How many records are in their topic.
    pub(crate) accepted: usize,
    /// How many are not.
    pub(crate) rejected: usize,
    /// Why not, in the order of the request.
    pub(crate) rejections: Vec<Rejection>,
}

/// A record that was not written to its topic.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Rejection {
    /// Its place in the request, from 0.
    index: usize,
    /// Why: `not_json`, `missing_field`, `wrong_type`, `invalid_timestamp`, `out_of_range` or `too_large`.
    #[schema(example = "missing_field")]
    reason: &'static str,
    /// The field that it is about, or `record`.
    #[schema(example = "parameters.player_id")]
    detail: &'static str,
}

impl Answer {
    pub(crate) fn to(checked: &Checked) -> Self {
        let rejections = checked.rejected.iter().map(|rejected| Rejection {
            index: rejected.index,
            reason: rejected.rejection.reason.name(),
            detail: rejected.rejection.subject,
        });
        Self {
            accepted: checked.accepted.len(),
            rejected: checked.rejected.len(),
            rejections: rejections.collect(),
        }
    }

    pub(crate) fn json(&self) -> Bytes {
        // Numbers and plain text: there is nothing in it that cannot be written.
        Bytes::from(serde_json::to_vec(self).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;
    use crate::validate::{Route, check, tests::PLAYER};

    #[test]
    fn an_answer_counts_and_names_each_rejected_record() {
        let records = [PLAYER, "{}", PLAYER].map(|text| Bytes::copy_from_slice(text.as_bytes()));
        let checked = check(records.to_vec(), Route::To(Source::PlayerEvents), None).unwrap();
        assert_eq!(
            Answer::to(&checked).json(),
            r#"{"accepted":2,"rejected":1,"rejections":[{"index":1,"reason":"missing_field","detail":"event_name"}]}"#
        );
    }
}
