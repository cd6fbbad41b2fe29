//! The bounded pool on which chains run: WASM is synchronous and busy, and must not starve the
//! sockets.

use std::sync::Arc;
use std::thread::available_parallelism;

use fluvio_protocol::link::ErrorCode;
use tokio::sync::Semaphore;

/// As many chains run at once as there are processors; others wait their turn, frame by frame.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    turns: Arc<Semaphore>,
}

impl Pool {
    /// A pool of the machine's size.
    pub(crate) fn new() -> Self {
        let turns = available_parallelism().map_or(1, usize::from);
        Self {
            turns: Arc::new(Semaphore::new(turns)),
        }
    }

    /// Runs `work` on a blocking thread once there is room. A panic inside becomes an error.
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
        running
            .await
            .map_err(|error| ErrorCode::Other(format!("a SmartModule broke the engine: {error}")))
    }
}
