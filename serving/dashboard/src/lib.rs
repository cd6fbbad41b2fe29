//! A live dashboard for browsers: it computes views from the derived topics, holds them in memory and shares
//! them between all browsers.
//!
//! Read in this order: [`start`] wires the parts; `feed` reads each topic once and passes its records to `store`,
//! which keeps a bounded history; `views` computes the views from it; `broadcast` renders each view once for all
//! browsers; `live` streams it; `routes` has the paths, and `guard` checks access.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        reason = "a test panics where an expectation fails"
    )
)]

mod assets;
mod broadcast;
mod error;
mod feed;
mod guard;
mod history;
mod latest;
mod limits;
mod live;
mod money;
mod options;
mod packed;
mod query;
mod routes;
mod span;
mod start;
mod status;
mod store;
mod symbols;
#[cfg(test)]
mod testing;
mod views;

pub use error::StartError;
pub use http_service::Handle;
pub use options::{Access, Options, Token};
pub use start::start;
