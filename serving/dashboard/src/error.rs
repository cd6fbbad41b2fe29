//! Errors that prevent the dashboard from starting, and errors of single requests.

use axum::http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use http_service::Foreign;
use serde_json::json;
use thiserror::Error;

/// The reason why the dashboard does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The listening socket cannot be used.
    #[error("cannot use the dashboard's socket: {0}")]
    Socket(#[from] std::io::Error),
    /// Other machines can reach the address, and no token is set, so they could read everything.
    #[error(
        "`{0}` can be reached from other machines, and there is no token: give a file that contains one with \
         --dashboard-token-file, listen on 127.0.0.1, or pass --dashboard-insecure"
    )]
    Open(std::net::SocketAddr),
    /// The token is too short to be safe, or contains white space.
    #[error("the token has {0} characters; it needs at least 16, without spaces")]
    WeakToken(usize),
}

/// The reason why a request fails.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum RequestError {
    #[error("bad parameter `{name}={value}`: {expected}")]
    BadParameter {
        name: String,
        value: String,
        expected: &'static str,
    },
    #[error("unknown topic `{0}`; `/api/explore` lists the derived topics of the dataflow file")]
    NoSuchTopic(String),
    #[error("no cover of a game `{0}`; `/api/games` lists the games of the catalogue")]
    NoSuchCover(String),
    #[error("send the dashboard's token: `Authorization: Bearer TOKEN`")]
    Unauthorized,
    #[error(transparent)]
    Foreign(#[from] Foreign),
    #[error("no such path")]
    NoSuchPath,
    #[error("the dashboard is read-only; only GET is allowed")]
    NoSuchMethod,
    #[error("too many browsers are connected; close some")]
    Full,
    #[error("the response cannot be written: {0}")]
    Internal(String),
}

impl RequestError {
    fn kind(&self) -> (StatusCode, &'static str) {
        match self {
            Self::BadParameter { .. } => (StatusCode::BAD_REQUEST, "bad_parameter"),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "unauthorized"),
            Self::Foreign(foreign) => (StatusCode::FORBIDDEN, foreign.code()),
            Self::NoSuchPath => (StatusCode::NOT_FOUND, "no_such_path"),
            Self::NoSuchTopic(_) => (StatusCode::NOT_FOUND, "no_such_topic"),
            Self::NoSuchCover(_) => (StatusCode::NOT_FOUND, "no_such_cover"),
            Self::NoSuchMethod => (StatusCode::METHOD_NOT_ALLOWED, "no_such_method"),
            Self::Full => (StatusCode::SERVICE_UNAVAILABLE, "full"),
            Self::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        }
    }
}

impl IntoResponse for RequestError {
    fn into_response(self) -> Response {
        let (status, error) = self.kind();
        let body = json!({"error": error, "detail": self.to_string()}).to_string();
        let mut response = (status, [(CONTENT_TYPE, "application/json")], body).into_response();
        if status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(WWW_AUTHENTICATE, scheme);
        }
        response
    }
}
