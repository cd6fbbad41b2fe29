//! The bounded pool of threads on which chains run. WASM blocks its thread, so it must not run on the
//! threads that serve the sockets.

use std::sync::Arc;
use std::thread::available_parallelism;

use fluvio_protocol::link::ErrorCode;
use tokio::sync::Semaphore;

/// Runs at most one chain per processor at a time; a stream may have to wait before each frame.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    turns: Arc<Semaphore>,
}

impl Pool {
    /// Creates a pool with one permit per processor.
    pub(crate) fn new() -> Self {
        let turns = available_parallelism().map_or(1, usize::from);
        Self {
            turns: Arc::new(Semaphore::new(turns)),
        }
    }

    /// Runs `work` on a blocking thread once a permit is free. A panic in `work` becomes an error.
    pub(crate) async fn run<T, F>(&self, work: F) -> Result<T, ErrorCode>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let turn = self
            .turns
            .clone()
            .acquire_owned()
            .await
            .map_err(|_| ErrorCode::SpuError)?;
        let running = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(turn);
            result
        });
        running.await.map_err(|error| {
            ErrorCode::Other(format!(
                "the engine panicked while it ran a SmartModule: {error}"
            ))
        })
    }
}
