//! Reads one length-prefixed frame from an untrusted peer.

use std::io;

use bytes::{Bytes, BytesMut};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::limits::{FRAME_BYTES_MAX, FRAME_BYTES_STEP};

/// Why no frame could be read.
#[derive(Debug, Error)]
pub(crate) enum FrameError {
    /// The length field is negative or above the limit.
    #[error(
        "frame length `{0}` is outside 0..={FRAME_BYTES_MAX}; the peer does not use Fluvio's protocol"
    )]
    Length(i32),
    /// The connection ended in the middle of a frame, or the socket failed.
    #[error("connection lost in the middle of a frame: {0}")]
    Io(#[from] io::Error),
}

/// Reads the next frame and returns it without the length before it; `None` if the peer closed the connection between
/// frames.
pub(crate) async fn read_frame<R>(reader: &mut R) -> Result<Option<Bytes>, FrameError>
where
    R: AsyncRead + Unpin,
{
    let Some(length) = read_length(reader).await? else {
        return Ok(None);
    };
    let length = usize::try_from(length)
        .ok()
        .filter(|length| *length <= FRAME_BYTES_MAX)
        .ok_or(FrameError::Length(length))?;
    let mut frame = BytesMut::new();
    while frame.len() < length {
        let step = (length - frame.len()).min(FRAME_BYTES_STEP);
        let filled = frame.len();
        frame.resize(filled + step, 0);
        reader.read_exact(&mut frame[filled..]).await?;
    }
    Ok(Some(frame.freeze()))
}

async fn read_length<R>(reader: &mut R) -> Result<Option<i32>, FrameError>
where
    R: AsyncRead + Unpin,
{
    let mut length = [0; 4];
    match reader.read(&mut length[..1]).await {
        Ok(0) => return Ok(None),
        // A reset between frames counts as a normal end: connections of killed clients end like this.
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(None),
        read => read?,
    };
    reader.read_exact(&mut length[1..]).await?;
    Ok(Some(i32::from_be_bytes(length)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn frames_are_read_one_after_another() {
        let mut wire: &[u8] = &[0, 0, 0, 2, 7, 8, 0, 0, 0, 0];
        assert_eq!(
            read_frame(&mut wire).await.unwrap().unwrap(),
            Bytes::from_static(&[7, 8])
        );
        assert_eq!(read_frame(&mut wire).await.unwrap().unwrap(), Bytes::new());
        assert!(read_frame(&mut wire).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn lengths_outside_the_limit_are_refused_before_anything_is_read() {
        for length in [-1, i32::MIN, i32::MAX, FRAME_BYTES_MAX as i32 + 1] {
            let wire = length.to_be_bytes();
            let error = read_frame(&mut wire.as_slice()).await.unwrap_err();
            assert!(
                matches!(error, FrameError::Length(seen) if seen == length),
                "{error}"
            );
        }
    }

    #[tokio::test]
    async fn a_frame_cut_short_is_an_error() {
        for wire in [&[0, 0][..], &[0, 0, 0, 5, 1, 2]] {
            let mut wire = wire;
            assert!(matches!(
                read_frame(&mut wire).await,
                Err(FrameError::Io(_))
            ));
        }
    }
}
