//! What posting events may be answered with, for the document alone.
#![allow(dead_code, reason = "only their shape is used")]

use utoipa::IntoResponses;

use crate::answer::Answer;
use crate::error::Problem;

#[derive(IntoResponses)]
pub(crate) enum Responses {
    /// Every record was dealt with: it stands in its topic, or with its reason in `rejected-events`.
    #[response(status = 200)]
    Dealt(Answer),
    /// Nothing could be read, or a header is malformed.
    #[response(status = 400)]
    Unreadable(Problem),
    /// No key, or one that is unknown or revoked.
    #[response(status = 401)]
    Unauthorized(Problem),
    /// The key is for another topic or another game; `index` names the record. Nothing was written.
    #[response(status = 403)]
    Forbidden(Problem),
    /// The body did not come in time.
    #[response(status = 408)]
    Slow(Problem),
    /// A request with this `Idempotency-Key` is under way.
    #[response(status = 409)]
    InProgress(Problem),
    /// The body, or the number of its records, is too large.
    #[response(status = 413)]
    TooLarge(Problem),
    /// A content type or encoding that is not understood.
    #[response(status = 415)]
    MediaType(Problem),
    /// This `Idempotency-Key` came with another body before.
    #[response(status = 422)]
    KeyReused(Problem),
    /// More than the key may send; `Retry-After` says when to try again.
    #[response(status = 429)]
    RateLimited(Problem),
    /// The cluster refused a record for good.
    #[response(status = 500)]
    Refused(Problem),
    /// The cluster is away, or more waits than there is room for; `Retry-After` says when to try again.
    #[response(status = 503)]
    Busy(Problem),
}
