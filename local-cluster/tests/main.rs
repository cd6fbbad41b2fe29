//! Tests a node with the published `fluvio` client, unmodified, over real sockets.

#![allow(clippy::unwrap_used)]

mod connections;
mod consumer_offsets;
mod garbage;
mod harness;
mod produce_consume;
mod restart;
mod smartmodules;
mod topics;
mod wasm;
