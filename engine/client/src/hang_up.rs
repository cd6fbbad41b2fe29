//! Closes a stream's connection when the stream is dropped.
//!
//! The `fluvio` crate reads each connection in a task, which it stops with a notification. If the task is handling a
//! response at that moment, it misses the notification, and the connection stays open until this process exits. This
//! module instead returns end of file to the task, as if the server had closed the connection. The task cannot miss
//! that.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::io::AsyncRead;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// The reading half of a connection. It returns end of file once the token is cancelled.
pub(crate) struct UntilHungUp<R> {
    inner: R,
    hung_up: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl<R> UntilHungUp<R> {
    pub(crate) fn new(inner: R, hang_up: &CancellationToken) -> Self {
        Self {
            inner,
            hung_up: Box::pin(hang_up.clone().cancelled_owned()),
        }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for UntilHungUp<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if self.hung_up.as_mut().poll(context).is_ready() {
            return Poll::Ready(Ok(0));
        }
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use futures_util::io::{AsyncReadExt, Cursor};

    use super::*;

    /// A connection on which nothing arrives.
    struct Silent;

    impl AsyncRead for Silent {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            Poll::Pending
        }
    }

    #[tokio::test]
    async fn a_reader_that_waits_is_woken_by_the_hang_up() {
        let hang_up = CancellationToken::new();
        let mut half = UntilHungUp::new(Silent, &hang_up);
        let reading = tokio::spawn(async move { half.read(&mut [0; 8]).await });
        tokio::task::yield_now().await;
        assert!(!reading.is_finished());
        hang_up.cancel();
        assert_eq!(reading.await.unwrap().unwrap(), 0);
    }

    #[tokio::test]
    async fn what_has_arrived_is_not_read_after_the_hang_up() {
        let hang_up = CancellationToken::new();
        let mut half = UntilHungUp::new(Cursor::new(b"records"), &hang_up);
        let mut buffer = [0; 3];
        assert_eq!(half.read(&mut buffer).await.unwrap(), 3);
        hang_up.cancel();
        assert_eq!(half.read(&mut buffer).await.unwrap(), 0);
    }
}
