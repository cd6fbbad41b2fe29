//! The one door to a Fluvio cluster, real or local: connect, ensure topics and SmartModules, produce with our settings,
//! read without gaps. No other crate of the package names the `fluvio` crate.

mod backoff;
mod batches;
mod cluster;
mod error;
mod offsets;
mod producer;
mod profile;
mod reader;
mod record;
mod records;
mod smartmodule;
mod source;
mod topic;
mod transformed;

pub use backoff::Backoff;
pub use batches::{BatchStream, StoredBatch};
pub use cluster::Cluster;
pub use error::ClientError;
pub use offsets::Offsets;
pub use producer::{ANSWER_DEADLINE, Delivery, Key, Producer, RECORD_BYTES_MAX};
pub use record::Record;
pub use records::{Mode, RecordStream, Start};
pub use topic::{Ensured, StorageBounds, TopicSettings};
pub use transformed::{PartitionSource, SmartModule, ValueStream};
