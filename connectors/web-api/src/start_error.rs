//! The reasons for which the web API does not start.

use client::{ClientError, Offset};

use crate::keys::KeysError;

/// Why the web API cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Without keys, every client that reaches the address could write events.
    #[error(
        "`{0}` can be reached from other machines, and there are no keys: give a key file with --keys, listen \
         on 127.0.0.1, or pass --insecure"
    )]
    Open(std::net::SocketAddr),
    /// Without keys, every web page could write events.
    #[error(
        "`--cors-origin *` would let every web page write events without a key: list the origins, or give a key \
         file with --keys"
    )]
    AnyOrigin,
    /// The key file cannot be used.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// A request to the cluster failed.
    #[error(transparent)]
    Cluster(#[from] ClientError),
    /// The socket cannot be used.
    #[error("cannot use the socket: {0}")]
    Socket(#[from] std::io::Error),
    /// The journal contains a record that this version cannot parse.
    #[error(
        "cannot read offset {offset} of `{topic}`: {cause}; was it written by a newer version?"
    )]
    Journal {
        /// The journal's topic.
        topic: String,
        /// The record's offset.
        offset: Offset,
        /// What is wrong with the record.
        cause: serde_json::Error,
    },
}
