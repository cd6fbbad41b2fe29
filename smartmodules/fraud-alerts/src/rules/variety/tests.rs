//! Tests each of the two rules separately.

mod multi_currency;
mod multi_platform;
