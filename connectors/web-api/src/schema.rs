//! Types that describe requests and responses in the OpenAPI document.

mod declared;
mod events;
mod header;
mod responses;

pub(crate) use declared::record_schema;
pub(crate) use events::{AnyEvents, PlayerEvents, PurchaseEvents, ServerMetrics};
pub(crate) use header::IdempotencyHeader;
pub(crate) use responses::Responses;
