//! What can be wrong with a connection, in words that say what to do about it.

use std::io::{self, ErrorKind};
use std::time::Duration;

use fluvio::FluvioError;
use fluvio_socket::SocketError;

/// A connection that could not be opened, or that a Fluvio server was not at the other end of.
#[derive(Debug, Clone, thiserror::Error)]
#[error("`{address}`: {wrong}")]
pub(crate) struct Trouble {
    pub(crate) address: String,
    pub(crate) wrong: Wrong,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Wrong {
    #[error("the name cannot be resolved from here ({0})")]
    Unresolved(String),
    #[error("nobody listens there ({0})")]
    Unreached(String),
    #[error("no connection within {} s, as behind a firewall or at a wrong address", .0.as_secs())]
    NoConnection(Duration),
    #[error(
        "no answer to TLS within {} s, as from a server that speaks none; {NO_TLS}", .0.as_secs()
    )]
    HandshakeUnanswered(Duration),
    #[error("what listens there does not speak TLS; {NO_TLS}")]
    PlainSpoken,
    #[error(
        "its certificate is not accepted ({0}); name the authority with --tls-ca and the name in the certificate with --tls-domain (that of servers is `custom-spu-N.DOMAIN`), or believe anybody with --tls-anonymous"
    )]
    Certificate(String),
    #[error(
        "it refuses the connection over TLS ({0}); if it asks who we are, show a certificate with --tls-cert and --tls-key"
    )]
    Refused(String),
    #[error(
        "it speaks TLS and was spoken to without; use --tls-ca FILE (or --tls-anonymous), or a fluvio profile with TLS settings"
    )]
    TlsSpoken,
    #[error("an HTTP server answers there and no fluvio cluster; check the port")]
    HttpSpoken,
    #[error("what answers there does not speak fluvio's protocol; check the port")]
    ElseSpoken,
    #[error("it hangs up without an answer{}", if *.encrypted { "; if it asks who we are, show a certificate with --tls-cert and --tls-key" } else { ", as a server that expects TLS does (--tls-ca, --tls-anonymous), or one that is just starting" })]
    HungUp { encrypted: bool },
    #[error("it takes connections and says nothing for {} s; check the port", .0.as_secs())]
    Silent(Duration),
}

/// What to do where one side speaks TLS and the other does not.
const NO_TLS: &str =
    "leave the --tls-… flags away, or set `tls_policy = \"disabled\"` in the fluvio profile";

impl Trouble {
    pub(crate) fn new(address: &str, wrong: Wrong) -> Self {
        Self {
            address: address.to_owned(),
            wrong,
        }
    }

    /// The trouble inside an error of the engine's client, if that is what it is about.
    pub(crate) fn inside(error: &anyhow::Error) -> Option<&Self> {
        let io = match error.downcast_ref::<FluvioError>() {
            Some(FluvioError::Io(io)) => Some(io),
            Some(FluvioError::Socket(socket)) => io_of(socket),
            _ => error
                .downcast_ref::<SocketError>()
                .map_or_else(|| error.downcast_ref(), io_of),
        };
        io?.get_ref()?.downcast_ref()
    }
}

impl From<Trouble> for io::Error {
    fn from(trouble: Trouble) -> Self {
        Self::other(trouble)
    }
}

impl Wrong {
    /// Whether it is what one sees at an address that leads nowhere, or to somebody else.
    pub(crate) fn may_be_another_address(&self) -> bool {
        match self {
            Self::Unresolved(_)
            | Self::Unreached(_)
            | Self::NoConnection(_)
            | Self::HttpSpoken
            | Self::ElseSpoken
            | Self::Silent(_) => true,
            Self::HandshakeUnanswered(_)
            | Self::PlainSpoken
            | Self::Certificate(_)
            | Self::Refused(_)
            | Self::TlsSpoken
            | Self::HungUp { .. } => false,
        }
    }

    pub(crate) fn unresolved(error: io::Error) -> Self {
        Self::Unresolved(error.to_string())
    }

    pub(crate) fn unreached(error: io::Error) -> Self {
        Self::Unreached(error.to_string())
    }

    /// Why TLS was not agreed upon.
    pub(crate) fn handshake(error: &io::Error) -> Self {
        match of_tls(error) {
            Some(rustls::Error::InvalidCertificate(reason)) => {
                Self::Certificate(reason.to_string())
            }
            Some(rustls::Error::AlertReceived(alert)) => Self::Refused(format!("{alert:?}")),
            Some(rustls::Error::InvalidMessage(_)) => Self::PlainSpoken,
            Some(other) => Self::Refused(other.to_string()),
            None if hung_up(error) => Self::PlainSpoken,
            None => Self::Unreached(error.to_string()),
        }
    }

    /// Why nothing came over an open connection. A certificate that is missing or refused is told here only.
    pub(crate) fn first_answer(error: &io::Error, encrypted: bool) -> Self {
        match of_tls(error) {
            Some(rustls::Error::AlertReceived(alert)) => Self::Refused(format!("{alert:?}")),
            Some(other) => Self::Refused(other.to_string()),
            None if hung_up(error) => Self::HungUp { encrypted },
            None => Self::Unreached(error.to_string()),
        }
    }
}

fn io_of(error: &SocketError) -> Option<&io::Error> {
    match error {
        SocketError::Io { source, .. } => Some(source),
        _ => None,
    }
}

fn of_tls(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

fn hung_up(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::UnexpectedEof
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
    )
}
