//! The outcome of reading an endpoint once.

use std::time::Duration;

/// How a single read of the endpoint ended.
#[derive(Debug)]
pub(crate) enum ReadOutcome {
    /// A stop was requested.
    Stopped,
    /// The response is complete, or the server closed the WebSocket.
    Complete,
    /// The connection failed, or the response is unusable.
    Failed(FetchError),
}

/// Why reading has failed.
#[derive(Debug)]
pub(crate) enum FetchError {
    /// The next attempt may succeed.
    Temporary {
        reason: String,
        /// The pause that the server asks for, or zero.
        pause: Duration,
    },
    /// The failure lasts until the configuration or the server is changed.
    Permanent(String),
    /// A message was too large to be read. The server may send it again on the next connection.
    MessageTooLarge(String),
}
