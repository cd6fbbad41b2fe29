//! The one door to a Fluvio cluster, real or local: connect, ensure topics and SmartModules, produce with our settings,
//! read without gaps. No other crate of the package names the `fluvio` crate.

mod address;
mod backoff;
mod batches;
mod cluster;
mod connector;
mod error;
mod first_answer;
mod offsets;
mod options;
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
mod transformed;
mod transforms;
mod trouble;

pub use address::{HostPort, NoHostPort};
pub use backoff::Backoff;
pub use batches::{BatchStream, StoredBatch};
pub use cluster::Cluster;
pub use error::ClientError;
pub use offsets::Offsets;
pub use options::{ConnectOptions, Tls, TlsFiles, TlsIdentity};
pub use producer::{ANSWER_DEADLINE, Delivery, Key, Producer, RECORD_BYTES_MAX};
pub use record::Record;
pub use records::{Mode, RecordStream, Start};
pub use registration::{Registered, Registration};
pub use server::Server;
pub use status::{ClusterStatus, Unready};
pub use topic::{Ensured, StorageBounds, TopicSettings};
pub use transformed::{PartitionSource, SmartModule, ValueStream};
pub use transforms::{KeyValue, Transform, TransformError, Transforms};
