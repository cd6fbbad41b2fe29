//! A live dashboard for browsers. It computes views from the derived topics, and all browsers share these views.
//!
//! Read the modules in this order: [`start`] connects the parts; `feed` reads each topic once and passes its records to
//! `store`, which keeps a bounded history; `views` computes the views from the store; `broadcast` renders each view
//! once for all browsers; `explore` shows any derived topic, and reads it on demand; `games` serves the catalogue;
//! `live` streams a view to a browser; `routes` contains the paths; `guard` checks access.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        reason = "a test panics where an expectation fails"
    )
)]

mod assets;
mod broadcast;
mod cache;
mod error;
mod explore;
mod feed;
mod games;
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
mod tagged;
#[cfg(test)]
mod testing;
mod views;

pub use error::StartError;
pub use http_service::Handle;
pub use options::{
    Access, Explore, ExploredColumn, ExploredTopic, Game, Options, PinnedChart, Token,
};
pub use start::start;
