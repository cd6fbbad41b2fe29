//! Drives a node with the published `fluvio` client, unmodified, over real sockets.

#![allow(clippy::unwrap_used)]

mod harness;
mod topics;
mod produce_consume;
