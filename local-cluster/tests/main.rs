//! Drives a node with the published `fluvio` client, unmodified, over real sockets.

#![allow(clippy::unwrap_used)]

mod harness;
mod produce_consume;
mod topics;
