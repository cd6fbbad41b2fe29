//! Consumer streams: one task each, from the first frame until the connection, the topic or the
//! stream's chain ends.

mod filtered;
mod plain;
mod session;

pub(crate) use session::{Session, Sessions, StreamRequest};
