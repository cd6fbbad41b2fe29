//! The errors for which requests are refused, and their conversion to HTTP responses.

use std::time::Duration;

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use client::ClientError;
use http_service::Foreign;
use serde::Serialize;
use utoipa::ToSchema;

use crate::limits::{
    BODY_BYTES_MAX, BODY_TIMEOUT, IDEMPOTENCY_KEY_BYTES_MAX, RETRY_AFTER_AWAY, RETRY_AFTER_BUSY,
    RETRY_AFTER_DISK_FULL, RETRY_AFTER_KEYS_FULL,
};
use crate::split::Unreadable;

/// Why a request is refused. Nothing was written, except possibly after [`RequestError::Unconfirmed`],
/// [`RequestError::DiskFull`] and [`RequestError::Refused`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RequestError {
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error("the body ended early: {0}")]
    BodyCut(String),
    #[error("the body did not arrive within {} s; send fewer events per request", BODY_TIMEOUT.as_secs())]
    BodySlow,
    #[error("the body cannot be decompressed: {0}")]
    Compression(String),
    #[error("the body is larger than {BODY_BYTES_MAX} bytes; send it in several requests")]
    TooLarge,
    #[error(
        "content type `{0}` is not supported; send application/json, or application/x-ndjson for one object per line"
    )]
    MediaType(String),
    #[error(
        "the body has no content type; send `content-type: application/json`, or application/x-ndjson for one \
        object per line"
    )]
    NoMediaType,
    #[error("content encoding `{0}` is not supported; send gzip, zstd, or the body uncompressed")]
    Encoding(String),
    #[error("{0}; {advice}", advice = advice(.0))]
    Foreign(Foreign),
    #[error("a valid key is required: `Authorization: Bearer KEY`")]
    Unauthorized,
    #[error("this key may not write to `{topic}`")]
    WrongTopic { index: Option<usize>, topic: String },
    #[error("this key may not write events of game `{game}`")]
    WrongGame { index: usize, game: String },
    #[error("the rate limit of this key is exceeded; try again later")]
    RateLimited(Duration),
    #[error(
        "`Idempotency-Key` must be 1 to {IDEMPOTENCY_KEY_BYTES_MAX} visible ASCII characters, given once"
    )]
    BadIdempotencyKey,
    #[error(
        "this `Idempotency-Key` was used with a different body within the last hour; use a new key"
    )]
    KeyReused,
    #[error("a request with this `Idempotency-Key` is in progress; try again")]
    InProgress,
    #[error("the table of idempotency keys is full; try again later, or without `Idempotency-Key`")]
    NoRoomForKey,
    #[error("too many requests are waiting to be written; try again")]
    Busy,
    #[error("the cluster cannot be reached; nothing was written, try again")]
    ClusterAway,
    #[error(
        "the cluster did not confirm the write, so some records may have been written; with an `Idempotency-Key`, \
        repeating the request duplicates nothing"
    )]
    Unconfirmed,
    #[error(
        "a disk of the cluster is full, so some records may not have been written; repeat the request once \
         there is space; with an `Idempotency-Key`, that duplicates nothing"
    )]
    DiskFull,
    #[error("the cluster refused a record permanently: {0}")]
    Refused(String),
    #[error("the response cannot be encoded: {0}")]
    Internal(String),
    #[error("`{name}` is not a source; the dataflow file declares {known}")]
    NoSuchSource { name: String, known: String },
    #[error("no such path; see /docs")]
    NoSuchPath,
    #[error("this path does not support the method; see /docs")]
    NoSuchMethod,
}

/// The response to a refused request.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// The error code, for programs.
    #[schema(example = "unreadable_body")]
    error: &'static str,
    /// What is wrong and what to do, for people.
    detail: String,
    /// The position of the record at fault, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
}

impl RequestError {
    fn status_and_code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Unreadable(Unreadable::TooMany) | Self::TooLarge => {
                (StatusCode::PAYLOAD_TOO_LARGE, "too_large")
            }
            Self::Unreadable(_) | Self::BodyCut(_) | Self::Compression(_) => {
                (StatusCode::BAD_REQUEST, "unreadable_body")
            }
            Self::BodySlow => (StatusCode::REQUEST_TIMEOUT, "body_slow"),
            Self::MediaType(_) | Self::NoMediaType | Self::Encoding(_) => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type")
            }
            Self::Foreign(foreign) => (StatusCode::FORBIDDEN, foreign.code()),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "unauthorized"),
            Self::WrongTopic { .. } => (StatusCode::FORBIDDEN, "wrong_topic"),
            Self::WrongGame { .. } => (StatusCode::FORBIDDEN, "wrong_game"),
            Self::RateLimited(_) => (StatusCode::TOO_MANY_REQUESTS, "rate_limited"),
            Self::BadIdempotencyKey => (StatusCode::BAD_REQUEST, "bad_idempotency_key"),
            Self::KeyReused => (StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused"),
            Self::InProgress => (StatusCode::CONFLICT, "in_progress"),
            Self::NoRoomForKey => (StatusCode::TOO_MANY_REQUESTS, "no_room_for_key"),
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
            Self::ClusterAway => (StatusCode::SERVICE_UNAVAILABLE, "cluster_away"),
            Self::Unconfirmed => (StatusCode::SERVICE_UNAVAILABLE, "unconfirmed"),
            Self::DiskFull => (StatusCode::SERVICE_UNAVAILABLE, "disk_full"),
            Self::Refused(_) => (StatusCode::INTERNAL_SERVER_ERROR, "refused_by_cluster"),
            Self::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
            Self::NoSuchSource { .. } => (StatusCode::NOT_FOUND, "no_such_source"),
            Self::NoSuchPath => (StatusCode::NOT_FOUND, "no_such_path"),
            Self::NoSuchMethod => (StatusCode::METHOD_NOT_ALLOWED, "no_such_method"),
        }
    }

    fn index(&self) -> Option<usize> {
        match self {
            Self::WrongTopic { index, .. } => *index,
            Self::WrongGame { index, .. } => Some(*index),
            _ => None,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited(wait) => Some(*wait),
            Self::Busy | Self::InProgress => Some(RETRY_AFTER_BUSY),
            Self::ClusterAway | Self::Unconfirmed => Some(RETRY_AFTER_AWAY),
            Self::NoRoomForKey => Some(RETRY_AFTER_KEYS_FULL),
            Self::DiskFull => Some(RETRY_AFTER_DISK_FULL),
            _ => None,
        }
    }

    /// Converts the error of a write that was sent to the cluster, so some of its records may have been written.
    pub(crate) fn of_write(error: &ClientError) -> Self {
        match error {
            ClientError::Full { .. } => Self::DiskFull,
            error if error.is_retryable() => Self::Unconfirmed,
            error => Self::Refused(error.to_string()),
        }
    }
}

fn advice(foreign: &Foreign) -> &'static str {
    match foreign {
        Foreign::Host(_) => "to accept other hosts, start the web API with --keys",
        Foreign::Origin(_) => "to accept them, start the web API with --cors-origin ORIGIN",
    }
}

impl IntoResponse for RequestError {
    fn into_response(self) -> Response {
        let (status, error) = self.status_and_code();
        let problem = Problem {
            error,
            detail: self.to_string(),
            index: self.index(),
        };
        // Encoding strings and a number cannot fail.
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = (status, [(CONTENT_TYPE, "application/json")], body).into_response();
        if let Some(wait) = self.retry_after() {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        if status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(WWW_AUTHENTICATE, scheme);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_rounded_up_to_whole_seconds() {
        let response = RequestError::RateLimited(Duration::from_millis(1_200)).into_response();
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()[RETRY_AFTER], "2");
        let response = RequestError::ClusterAway.into_response();
        assert_eq!(response.headers()[RETRY_AFTER], "2");
        assert!(
            !RequestError::TooLarge
                .into_response()
                .headers()
                .contains_key(RETRY_AFTER)
        );
    }

    #[test]
    fn an_error_of_a_record_contains_its_index() {
        let error = RequestError::WrongGame {
            index: 3,
            game: "chess".to_owned(),
        };
        assert_eq!(
            (error.status_and_code().0, error.index()),
            (StatusCode::FORBIDDEN, Some(3))
        );
    }
}
