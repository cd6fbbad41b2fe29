//! The end-to-end tests run the real binary as a user does, against the local cluster or, with
//! `CLUSTER=HOST:PORT`, against a real one.
#![allow(
    clippy::unwrap_used,
    reason = "a test panics where an expectation fails"
)]

mod bounded_run;
mod chaos;
mod clean_stop;
mod clocks;
mod cluster_admin;
mod clusters;
mod commands;
mod connecting;
mod dashboard;
mod dataflow_file;
mod day;
mod dropped_streams;
mod examples;
mod extremes;
mod followed;
mod generated_lines;
mod growth;
mod harness;
mod hostile;
mod http_source;
mod late;
mod many_partitions;
mod many_streams;
mod mixture;
mod monitoring;
mod oracle;
mod plain_reader;
mod players;
mod producers;
mod promptness;
mod python_client;
mod queries;
mod replay;
mod restarts;
mod rules;
mod score;
mod server_restart;
mod shared_reads;
mod silence;
mod source_replaced;
mod sql;
mod tables;
mod terminal;
mod up;
mod verdict;
mod web_api;
