//! Checks whether a Fluvio server is at the other end of a connection. The first bytes that arrive show it; a server
//! that sends nothing until a deadline is reported as silent.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use fluvio_future::timer::{Sleeper, sleep};
use futures_util::io::AsyncRead;

use crate::connect_error::{ConnectError, ConnectErrorKind};

/// The deadline for the first bytes, equal to the `fluvio` crate's default for any response. It is long because a
/// server that compiles SmartModules on a busy machine may not respond for half a minute.
const DEADLINE: Duration = Duration::from_secs(60);

/// The possible first bytes of a TLS server's response to a client without TLS: the record types of an alert and of a
/// handshake.
const TLS_RECORDS: [u8; 2] = [0x15, 0x16];
/// The second byte of every TLS record: the major version, which is the same for all versions of TLS.
const TLS_MAJOR: u8 = 0x03;
/// The first byte from a Fluvio server. A frame begins with its length in four bytes. The first response is far
/// shorter than 16 MiB, so the most significant byte of its length is zero.
const FIRST_BYTE: u8 = 0;

/// The reading half of a connection, which checks the first bytes that arrive.
pub(crate) struct FirstAnswer<R> {
    inner: R,
    /// `None` once the first bytes have been checked.
    waiting: Option<Waiting>,
}

struct Waiting {
    address: String,
    encrypted: bool,
    deadline: Pin<Box<Sleeper>>,
}

impl<R> FirstAnswer<R> {
    /// Reads from `inner`, which is connected to `address`.
    pub(crate) fn new(inner: R, address: &str, encrypted: bool) -> Self {
        let waiting = Waiting {
            address: address.to_owned(),
            encrypted,
            deadline: Box::pin(sleep(DEADLINE)),
        };
        Self {
            inner,
            waiting: Some(waiting),
        }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for FirstAnswer<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let read = Pin::new(&mut this.inner).poll_read(context, buffer);
        let Some(waiting) = &mut this.waiting else {
            return read;
        };
        let judged = match read {
            Poll::Pending => {
                ready!(waiting.deadline.as_mut().poll(context));
                Err(ConnectErrorKind::Silent(DEADLINE))
            }
            Poll::Ready(Ok(bytes)) => judge(&buffer[..bytes], waiting.encrypted).map(|()| bytes),
            Poll::Ready(Err(error)) => {
                Err(ConnectErrorKind::first_answer(&error, waiting.encrypted))
            }
        };
        let judged = judged.map_err(|kind| ConnectError::new(&waiting.address, kind).into());
        this.waiting = None;
        Poll::Ready(judged)
    }
}

fn judge(first: &[u8], encrypted: bool) -> Result<(), ConnectErrorKind> {
    match *first {
        [] => Err(ConnectErrorKind::HungUp { encrypted }),
        [FIRST_BYTE, ..] => Ok(()),
        [record, ref rest @ ..]
            if TLS_RECORDS.contains(&record) && rest.first().is_none_or(|b| *b == TLS_MAJOR) =>
        {
            Err(ConnectErrorKind::TlsExpected)
        }
        _ if first.starts_with(b"HTTP/") => Err(ConnectErrorKind::HttpServer),
        _ => Err(ConnectErrorKind::OtherProtocol),
    }
}
