//! Consumer streams. Each has one task, which runs from the first frame until the connection, the topic or
//! the stream's chain ends.

mod consumer_stream;
mod filtered;
mod frame;
mod plain;

pub(crate) use consumer_stream::{ConsumerStream, OpenStreams, StreamRequest};
