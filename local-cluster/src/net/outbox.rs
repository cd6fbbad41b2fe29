//! The sending side of a connection: tasks queue whole frames, and a single task writes them.

use bytes::{BufMut, Bytes, BytesMut};
use fluvio_protocol::Encoder;
use thiserror::Error;
use tokio::io::{AsyncWrite, AsyncWriteExt, BufWriter};
use tokio::sync::mpsc;

use super::{Request, RequestError};
use crate::limits::OUTBOX_FRAMES;

/// The connection is closed, so its senders should stop.
#[derive(Debug, Error)]
#[error("the connection is closed")]
pub(crate) struct Closed;

/// Queues response frames for one connection. While the peer reads slowly, only tasks of that connection
/// wait.
#[derive(Clone, Debug)]
pub(crate) struct Outbox {
    frames: mpsc::Sender<Bytes>,
}

impl Outbox {
    /// Creates an outbox and the queue that [`write_frames`] empties.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Bytes>) {
        let (frames, queue) = mpsc::channel(OUTBOX_FRAMES);
        (Self { frames }, queue)
    }

    /// Sends the response to `request`. Always returns `Ok`, so that a handler can return the result of this
    /// call. On a closed connection the response is dropped, and the connection's tasks end by themselves.
    pub(crate) async fn answer<E>(&self, request: &Request, body: &E) -> Result<(), RequestError>
    where
        E: Encoder,
    {
        let _closed = self
            .send(request.correlation_id, request.version, body)
            .await;
        Ok(())
    }

    /// Queues `body` as the response to the request with `correlation_id`, encoded for `version`. Also returns
    /// `Closed` if `body` cannot be encoded.
    pub(crate) async fn send<E>(
        &self,
        correlation_id: i32,
        version: i16,
        body: &E,
    ) -> Result<(), Closed>
    where
        E: Encoder,
    {
        let frame = encode(correlation_id, version, body).map_err(|error| {
            tracing::error!(%error, correlation_id, "a response could not be encoded");
            Closed
        })?;
        self.frames.send(frame).await.map_err(|_| Closed)
    }
}

/// Writes queued frames until the queue ends or the socket fails.
pub(crate) async fn write_frames<W>(
    writer: W,
    mut queue: mpsc::Receiver<Bytes>,
) -> std::io::Result<()>
where
    W: AsyncWrite + Unpin,
{
    let mut writer = BufWriter::new(writer);
    while let Some(frame) = queue.recv().await {
        writer.write_all(&frame).await?;
        if queue.is_empty() {
            writer.flush().await?;
        }
    }
    writer.flush().await?;
    writer.shutdown().await
}

fn encode<E: Encoder>(
    correlation_id: i32,
    version: i16,
    body: &E,
) -> Result<Bytes, std::io::Error> {
    let mut frame = BytesMut::with_capacity(64);
    frame.put_i32(0);
    frame.put_i32(correlation_id);
    body.encode(&mut frame, version)?;
    let length = i32::try_from(frame.len() - 4).map_err(std::io::Error::other)?;
    frame[..4].copy_from_slice(&length.to_be_bytes());
    Ok(frame.freeze())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_length_then_correlation_then_body() {
        let frame = encode(5, 0, &"ab".to_string()).unwrap();
        assert_eq!(&frame[..], [0, 0, 0, 8, 0, 0, 0, 5, 0, 2, b'a', b'b']);
    }
}
