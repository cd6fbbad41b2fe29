//! What can be wrong, at the start and with a request.

use axum::http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use thiserror::Error;

/// Why the dashboard does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The socket.
    #[error("the dashboard's socket: {0}")]
    Socket(#[from] std::io::Error),
    /// Whoever reaches the address would see everything.
    #[error(
        "`{0}` can be reached from other machines, and there is no token: name a file that holds one with --dashboard-token-file, or listen on 127.0.0.1, or say --dashboard-insecure"
    )]
    Open(std::net::SocketAddr),
    /// A token that keeps nobody out.
    #[error("the token has {0} characters; give it 16 or more, and no spaces")]
    WeakToken(usize),
}

/// Why a request is not answered with what it asked for.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum Refusal {
    #[error("`{name}={value}` is no parameter of a view: {expected}")]
    BadParameter {
        name: String,
        value: String,
        expected: &'static str,
    },
    #[error("show the dashboard's token: `Authorization: Bearer TOKEN`")]
    Unauthorized,
    #[error("this host name is not this machine's; use `localhost` or 127.0.0.1")]
    ForeignHost,
    #[error("no such path")]
    NoSuchPath,
    #[error("nothing can be written here; only GET is answered")]
    NoSuchMethod,
    #[error("as many browsers are connected as there is room for; close some")]
    Full,
    #[error("the answer cannot be written: {0}")]
    Internal(String),
}

impl Refusal {
    fn kind(&self) -> (StatusCode, &'static str) {
        match self {
            Self::BadParameter { .. } => (StatusCode::BAD_REQUEST, "bad_parameter"),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "unauthorized"),
            Self::ForeignHost => (StatusCode::FORBIDDEN, "foreign_host"),
            Self::NoSuchPath => (StatusCode::NOT_FOUND, "no_such_path"),
            Self::NoSuchMethod => (StatusCode::METHOD_NOT_ALLOWED, "no_such_method"),
            Self::Full => (StatusCode::SERVICE_UNAVAILABLE, "full"),
            Self::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        }
    }
}

impl IntoResponse for Refusal {
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
