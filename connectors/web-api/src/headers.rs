//! The headers of idempotent requests and their responses.

use axum::http::HeaderName;

/// Identifies a request, so that a repetition does not write its records again.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Marks the response to the repetition of a request that had succeeded.
pub(crate) const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
