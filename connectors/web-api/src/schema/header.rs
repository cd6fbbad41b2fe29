//! The header of idempotent requests, for the OpenAPI document only.
#![allow(dead_code, reason = "only the schema is used")]

use utoipa::IntoParams;

#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub(crate) struct IdempotencyHeader {
    /// A unique name for the request. Within an hour, repeating a request with the same key returns the same
    /// response and does not write the records again.
    #[param(
        rename = "Idempotency-Key",
        min_length = 1,
        max_length = 255,
        pattern = "^[!-~]+$"
    )]
    idempotency_key: Option<String>,
}
