//! The responses to posted events, for the OpenAPI document only.
#![allow(dead_code, reason = "only the schema is used")]

use utoipa::IntoResponses;

use crate::answer::Answer;
use crate::error::Problem;

#[derive(IntoResponses)]
pub(crate) enum Responses {
    /// Every record was processed: written to its topic, or kept with a reason in `rejected-events`.
    #[response(status = 200)]
    Processed(Answer),
    /// The body cannot be read, or a header or `sent_at` is malformed.
    #[response(status = 400)]
    Unreadable(Problem),
    /// The key is missing, unknown or revoked.
    #[response(status = 401)]
    Unauthorized(Problem),
    /// The key is for a different topic or game (`index` is the record's position), or the origin or host name of
    /// the request is not allowed. Nothing was written.
    #[response(status = 403)]
    Forbidden(Problem),
    /// The body did not arrive in time.
    #[response(status = 408)]
    BodySlow(Problem),
    /// A request with this `Idempotency-Key` is in progress.
    #[response(status = 409)]
    InProgress(Problem),
    /// The body is too large, or has too many records.
    #[response(status = 413)]
    TooLarge(Problem),
    /// The content type or encoding is not supported, or the content type is missing. Only a request with an API
    /// key, or from a page of an allowed origin, may omit the content type.
    #[response(status = 415)]
    MediaType(Problem),
    /// This `Idempotency-Key` was used before with a different path, content type or body.
    #[response(status = 422)]
    KeyReused(Problem),
    /// The rate limit of the key is exceeded, or the table of idempotency keys is full; `Retry-After` is the
    /// time to wait.
    #[response(status = 429)]
    RateLimited(Problem),
    /// The cluster refused a record permanently, or an internal error occurred.
    #[response(status = 500)]
    Refused(Problem),
    /// The cluster is unreachable, did not confirm the write or has a full disk, or the web API is busy;
    /// `Retry-After` is the time to wait.
    #[response(status = 503)]
    Busy(Problem),
}
