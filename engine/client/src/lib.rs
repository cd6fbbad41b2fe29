//! The only access to a Fluvio cluster, real or local: connects, creates missing topics and SmartModules, produces in
//! large batches, and reads without gaps. Except in tests and benchmarks, no other crate of the workspace uses the
//! `fluvio` crate.

mod ad_hoc;
mod address;
mod backoff;
mod batch_producer;
mod chain;
mod clock;
mod cluster;
mod connect_error;
mod connector;
mod error;
mod first_answer;
mod hang_up;
mod link;
mod offsets;
mod options;
mod position;
mod producer;
mod profile;
mod reader;
mod record;
mod records;
mod registration;
mod server;
mod smartmodule;
mod source;
mod status;
mod tls;
mod topic;
mod topology;
mod transformed;
mod transforms;

pub use ad_hoc::AdHocModule;
pub use address::{HostPort, InvalidHostPort};
pub use backoff::Backoff;
pub use batch_producer::BatchProducer;
pub use chain::chain;
pub use clock::now_ms;
pub use cluster::Cluster;
pub use error::ClientError;
pub use options::{ConnectOptions, Tls, TlsFiles, TlsIdentity};
pub use position::{Offset, OffsetRange, Partition, PartitionOffset};
pub use producer::{ANSWER_DEADLINE, Delivery, Key, Producer, RECORD_BYTES_MAX};
pub use record::Record;
pub use records::{Mode, RecordStream, Start};
pub use registration::{Registered, Registration};
pub use server::Server;
pub use status::{ClusterStatus, Unready};
pub use topic::{Ensured, StorageBounds, TopicSettings};
pub use transformed::{PartitionSource, SmartModule, ValueStream};
pub use transforms::{KeyValue, Transform, TransformError, Transforms};

/// Compiles the examples of the README as doctests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
