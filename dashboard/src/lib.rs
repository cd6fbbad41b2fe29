//! The game live in a browser: views over the derived topics, kept in memory and shared by all who look.
//!
//! Read in this order: [`start`] puts it together; `feed` reads each topic once and hands its records
//! to `store`, which keeps a bounded history; `views` makes the answers from it; `hub` makes each answer
//! once for all browsers; `live` sends it to those who stay; `routes` has the paths and `guard` who may.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        reason = "a test panics where an expectation fails"
    )
)]

mod assets;
mod error;
mod feed;
mod guard;
mod history;
mod hub;
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
pub use options::{Access, Options, Token};
pub use start::{Handle, start};
