//! The first bytes of a connection tell what answers: a Fluvio server, one of something else, or nobody.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use fluvio_future::timer::{Sleeper, sleep};
use futures_util::io::AsyncRead;

use crate::trouble::{Trouble, Wrong};

/// The first answer lists versions, out of memory. A server that compiles SmartModules on a busy machine answers nobody
/// for half a minute; the engine's own limit for any answer is this.
const DEADLINE: Duration = Duration::from_secs(60);

/// The first byte of what a TLS server says where it is not spoken TLS to: an alert, or a handshake.
const TLS_RECORDS: [u8; 2] = [0x15, 0x16];
/// What follows it: the major version of every TLS there is.
const TLS_MAJOR: u8 = 0x03;
/// A frame begins with its length, in four bytes; the first answer's is far below 16 MiB.
const FIRST_BYTE: u8 = 0;

/// The reading half of a connection that looks at what comes first.
pub(crate) struct FirstAnswer<R> {
    inner: R,
    /// Until the first bytes are there.
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
                Err(Wrong::Silent(DEADLINE))
            }
            Poll::Ready(Ok(bytes)) => judge(&buffer[..bytes], waiting.encrypted).map(|()| bytes),
            Poll::Ready(Err(error)) => Err(Wrong::first_answer(&error, waiting.encrypted)),
        };
        let judged = judged.map_err(|wrong| Trouble::new(&waiting.address, wrong).into());
        this.waiting = None;
        Poll::Ready(judged)
    }
}

/// What the first bytes say.
fn judge(first: &[u8], encrypted: bool) -> Result<(), Wrong> {
    match *first {
        [] => Err(Wrong::HungUp { encrypted }),
        [FIRST_BYTE, ..] => Ok(()),
        [record, ref rest @ ..]
            if TLS_RECORDS.contains(&record) && rest.first().is_none_or(|b| *b == TLS_MAJOR) =>
        {
            Err(Wrong::TlsSpoken)
        }
        _ if first.starts_with(b"HTTP/") => Err(Wrong::HttpSpoken),
        _ => Err(Wrong::ElseSpoken),
    }
}
