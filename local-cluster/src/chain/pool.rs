//! The bounded pool of threads on which chains are compiled and run. Both block their thread, so they must not run on
//! the threads that serve the sockets.

use std::sync::Arc;
use std::thread::available_parallelism;

use fluvio_protocol::link::ErrorCode;
use tokio::sync::Semaphore;

/// Runs at most one chain per processor at a time; a stream may have to wait before each frame. In addition, it
/// compiles one chain at a time. The engine uses all processors to compile a chain. So if several chains are compiled
/// one after the other, the first ones can run earlier, and the last one as early as if all were compiled together.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    turns: Arc<Semaphore>,
    compiler: Arc<Semaphore>,
}

impl Pool {
    /// Creates a pool that runs one chain per processor.
    pub(crate) fn new() -> Self {
        let turns = available_parallelism().map_or(1, usize::from);
        Self {
            turns: Arc::new(Semaphore::new(turns)),
            compiler: Arc::new(Semaphore::new(1)),
        }
    }

    /// Runs `work` on a blocking thread once a permit is free. A panic in `work` becomes an error.
    pub(crate) async fn run<T, F>(&self, work: F) -> Result<T, ErrorCode>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        blocking(&self.turns, work).await
    }

    /// As [`Self::run`], for work that compiles chains.
    pub(crate) async fn compile<T, F>(&self, work: F) -> Result<T, ErrorCode>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        blocking(&self.compiler, work).await
    }
}

async fn blocking<T, F>(permits: &Arc<Semaphore>, work: F) -> Result<T, ErrorCode>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    let permit = permits
        .clone()
        .acquire_owned()
        .await
        .map_err(|_| ErrorCode::SpuError)?;
    let running = tokio::task::spawn_blocking(move || {
        let result = work();
        drop(permit);
        result
    });
    running.await.map_err(|error| {
        ErrorCode::Other(format!(
            "the engine panicked while it ran a SmartModule: {error}"
        ))
    })
}
