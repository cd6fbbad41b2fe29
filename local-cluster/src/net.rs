//! Sockets and frames, used by the connections of both ports.

mod frame;
mod listener;
mod outbox;
mod request;

pub(crate) use frame::{FrameError, read_frame};
pub(crate) use listener::{Listener, Service};
pub(crate) use outbox::{Closed, Outbox};
pub(crate) use request::{Request, RequestError, check_version};
