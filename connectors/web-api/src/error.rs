//! Why a request is refused, and the one place where that becomes HTTP.

use std::time::Duration;

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use client::ClientError;
use serde::Serialize;
use utoipa::ToSchema;

use crate::limits::{
    BODY_BYTES_MAX, BODY_PATIENCE, IDEMPOTENCY_KEY_BYTES_MAX, RETRY_AFTER_AWAY, RETRY_AFTER_BUSY,
    RETRY_AFTER_FULL,
};
use crate::split::Unreadable;

/// Why the web API cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Anybody who reaches the address could write events.
    #[error(
        "`{0}` can be reached from other machines, and there are no keys: name a file of keys with --keys, or listen on 127.0.0.1, or say --insecure"
    )]
    Open(std::net::SocketAddr),
    /// The file of keys is no use.
    #[error(transparent)]
    Keys(#[from] crate::keys::KeysError),
    /// The cluster does not do what is needed.
    #[error(transparent)]
    Cluster(#[from] ClientError),
    /// The socket is no use.
    #[error("cannot use the socket: {0}")]
    Socket(#[from] std::io::Error),
    /// The journal holds what this version did not write.
    #[error(
        "cannot read offset `{offset}` of `{topic}`: {cause}; was it written by a newer version?"
    )]
    Journal {
        /// The journal's topic.
        topic: String,
        /// Where it stands.
        offset: i64,
        /// What is wrong with it.
        cause: serde_json::Error,
    },
}

/// Why a request is refused. Nothing is written unless [`Refusal::Unsure`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error("the body ended before it was whole: {0}")]
    BodyCut(String),
    #[error("the body did not come within {} s; send less at a time", BODY_PATIENCE.as_secs())]
    BodySlow,
    #[error("the body cannot be unpacked: {0}")]
    Packed(String),
    #[error("the body is larger than {BODY_BYTES_MAX} bytes; send it in several requests")]
    TooLarge,
    #[error(
        "content type `{0}` is not understood; send application/json, or application/x-ndjson for one object a line"
    )]
    MediaType(String),
    #[error("content encoding `{0}` is not understood; send gzip, zstd, or the body as it is")]
    Encoding(String),
    #[error("a valid key is needed: `Authorization: Bearer KEY`")]
    Unauthorized,
    #[error("this key may not write to `{topic}`")]
    WrongTopic {
        index: Option<usize>,
        topic: &'static str,
    },
    #[error("this key may not write events of game `{game}`")]
    WrongGame { index: usize, game: String },
    #[error("more events than this key may send; try again later")]
    RateLimited(Duration),
    #[error(
        "`Idempotency-Key` must be 1 to {IDEMPOTENCY_KEY_BYTES_MAX} visible ASCII characters, given once"
    )]
    BadIdempotencyKey,
    #[error("this `Idempotency-Key` came with another body within the last hour; take a new key")]
    KeyReused,
    #[error("a request with this `Idempotency-Key` is under way; try again")]
    InProgress,
    #[error("no more keys can be remembered; try again later, or without `Idempotency-Key`")]
    NoRoomForKey,
    #[error("more is waiting to be written than there is room for; try again")]
    Busy,
    #[error("the cluster cannot be reached; nothing was written, try again")]
    Away,
    #[error(
        "the cluster has not confirmed: some records may have been written; with an `Idempotency-Key` repeating the request doubles nothing"
    )]
    Unsure,
    #[error("the cluster refused a record for good: {0}")]
    Refused(String),
    #[error("the answer cannot be written: {0}")]
    Internal(String),
    #[error("no such path; see /docs")]
    NoSuchPath,
    #[error("no such method here; see /docs")]
    NoSuchMethod,
}

/// What a refused request is answered with.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// A word for programs.
    #[schema(example = "unreadable_body")]
    error: &'static str,
    /// A sentence for people: what is wrong and what to do.
    detail: String,
    /// The record that it is about, counted from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
}

impl Refusal {
    fn kind(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Unreadable(Unreadable::TooMany) | Self::TooLarge => {
                (StatusCode::PAYLOAD_TOO_LARGE, "too_large")
            }
            Self::Unreadable(_) | Self::BodyCut(_) | Self::Packed(_) => {
                (StatusCode::BAD_REQUEST, "unreadable_body")
            }
            Self::BodySlow => (StatusCode::REQUEST_TIMEOUT, "body_slow"),
            Self::MediaType(_) | Self::Encoding(_) => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type")
            }
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "unauthorized"),
            Self::WrongTopic { .. } => (StatusCode::FORBIDDEN, "wrong_topic"),
            Self::WrongGame { .. } => (StatusCode::FORBIDDEN, "wrong_game"),
            Self::RateLimited(_) => (StatusCode::TOO_MANY_REQUESTS, "rate_limited"),
            Self::BadIdempotencyKey => (StatusCode::BAD_REQUEST, "bad_idempotency_key"),
            Self::KeyReused => (StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused"),
            Self::InProgress => (StatusCode::CONFLICT, "in_progress"),
            Self::NoRoomForKey => (StatusCode::TOO_MANY_REQUESTS, "no_room_for_key"),
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
            Self::Away => (StatusCode::SERVICE_UNAVAILABLE, "cluster_away"),
            Self::Unsure => (StatusCode::SERVICE_UNAVAILABLE, "unconfirmed"),
            Self::Refused(_) => (StatusCode::INTERNAL_SERVER_ERROR, "refused_by_cluster"),
            Self::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
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
            Self::Away | Self::Unsure => Some(RETRY_AFTER_AWAY),
            Self::NoRoomForKey => Some(RETRY_AFTER_FULL),
            _ => None,
        }
    }

    /// What a failed write means for the request, where some of it may have been written.
    pub(crate) fn of_write(error: &ClientError) -> Self {
        if error.is_retryable() {
            Self::Unsure
        } else {
            Self::Refused(error.to_string())
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, error) = self.kind();
        let problem = Problem {
            error,
            detail: self.to_string(),
            index: self.index(),
        };
        // Text and a number: there is nothing in it that cannot be written.
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
    fn waiting_times_are_whole_seconds_and_never_too_short() {
        let response = Refusal::RateLimited(Duration::from_millis(1_200)).into_response();
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()[RETRY_AFTER], "2");
        let response = Refusal::Away.into_response();
        assert_eq!(response.headers()[RETRY_AFTER], "2");
        assert!(
            !Refusal::TooLarge
                .into_response()
                .headers()
                .contains_key(RETRY_AFTER)
        );
    }

    #[test]
    fn a_refusal_for_a_record_names_it() {
        let refusal = Refusal::WrongGame {
            index: 3,
            game: "chess".to_owned(),
        };
        assert_eq!(
            (refusal.kind().0, refusal.index()),
            (StatusCode::FORBIDDEN, Some(3))
        );
    }
}
