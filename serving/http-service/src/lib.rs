//! Code that all HTTP services share: starting, stopping, and refusing requests from pages of other sites.
//!
//! A service either calls [`start`], or wraps its own server in a [`Handle`]. With [`start`] or [`serve`], a service
//! answers requests until the stop signal. Then it finishes open requests, and closes the remaining connections after
//! [`HANG_UP_DEADLINE`].

mod foreign;
mod service;

pub use foreign::{Foreign, check_host, check_origin};
pub use service::{HANG_UP_DEADLINE, Handle, OPENMETRICS, is_exposed, serve, start, until_hang_up};

/// Compiles the example in the README as a doctest.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExample;
