//! The end-to-end tests: the real binary as a user runs it, against the local cluster or, with
//! `CLUSTER=HOST:PORT`, against a real one.
#![allow(
    clippy::unwrap_used,
    reason = "a test panics where an expectation fails"
)]

mod bounded_run;
mod chaos;
mod cluster_admin;
mod clusters;
mod connecting;
mod dashboard;
mod day;
mod followed;
mod growth;
mod harness;
mod http_source;
mod late;
mod many_partitions;
mod map_file;
mod mixture;
mod monitoring;
mod oracle;
mod plain_reader;
mod players;
mod promptness;
mod python_client;
mod replay;
mod restarts;
mod rules;
mod server_restart;
mod shared_reads;
mod silence;
mod up;
mod verdict;
mod web_api;
