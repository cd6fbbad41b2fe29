//! Types that describe requests and responses in the OpenAPI document.

mod events;
mod header;
mod responses;

pub(crate) use events::{AnyEvents, PlayerEvents, PurchaseEvents, ServerMetrics};
pub(crate) use header::IdempotencyHeader;
pub(crate) use responses::Responses;
