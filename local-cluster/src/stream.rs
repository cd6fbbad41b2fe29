//! Consumer streams. One task serves each stream until the connection closes, the topic is deleted, or reading or
//! the stream's chain fails.

mod consumer_stream;
mod filtered;
mod frame;
mod plain;

pub(crate) use consumer_stream::{ConsumerStream, OpenStreams, StreamRequest};
