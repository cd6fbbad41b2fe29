//! The reasons why a connection cannot be opened, with advice for each.

use std::io::{self, ErrorKind};
use std::time::Duration;

use fluvio::FluvioError;
use fluvio_socket::SocketError;

/// A connection could not be opened, or no Fluvio server answered on it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("`{address}`: {kind}")]
pub(crate) struct ConnectError {
    pub(crate) address: String,
    pub(crate) kind: ConnectErrorKind,
}

/// The reason why a connection cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ConnectErrorKind {
    #[error("the name cannot be resolved from here ({0})")]
    Unresolved(String),
    #[error("nothing listens there ({0})")]
    Unreached(String),
    #[error("no connection within {} s; check the address, and firewalls in between", .0.as_secs())]
    NoConnection(Duration),
    #[error(
        "no response to the TLS handshake within {} s, probably because the server does not use TLS; {NO_TLS}",
        .0.as_secs()
    )]
    NoHandshake(Duration),
    #[error("the server there does not use TLS; {NO_TLS}")]
    NotTls,
    #[error(
        "its certificate is not accepted ({0}); give the authority with --tls-ca and the name in the \
         certificate with --tls-domain (certificates of servers are for `custom-spu-N.DOMAIN`), or accept any \
         certificate with --tls-anonymous"
    )]
    Certificate(String),
    #[error(
        "it refuses the connection over TLS ({0}); if it requires a client certificate, give one with --tls-cert and \
         --tls-key"
    )]
    Refused(String),
    #[error(
        "it expects TLS; use --tls-ca FILE (or --tls-anonymous), or a Fluvio profile with TLS settings"
    )]
    TlsExpected,
    #[error("an HTTP server answers there, not a Fluvio cluster; check the port")]
    HttpServer,
    #[error("the server there does not use Fluvio's protocol; check the port")]
    OtherProtocol,
    #[error("it closes the connection without a response{}", hang_up_advice(*.encrypted))]
    HungUp { encrypted: bool },
    #[error("it accepts connections but sends nothing for {} s; check the port", .0.as_secs())]
    Silent(Duration),
}

/// The advice if the client uses TLS and the server does not.
const NO_TLS: &str =
    "omit the --tls-… flags, or set `tls_policy = \"disabled\"` in the Fluvio profile";

fn hang_up_advice(encrypted: bool) -> &'static str {
    if encrypted {
        "; if it requires a client certificate, give one with --tls-cert and --tls-key"
    } else {
        "; it may expect TLS (--tls-ca, --tls-anonymous), be just starting, or have reached its limit of connections"
    }
}

impl ConnectError {
    pub(crate) fn new(address: &str, kind: ConnectErrorKind) -> Self {
        Self {
            address: address.to_owned(),
            kind,
        }
    }

    /// The `ConnectError` inside an error of the `fluvio` crate, if there is one.
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

impl From<ConnectError> for io::Error {
    fn from(error: ConnectError) -> Self {
        Self::other(error)
    }
}

impl ConnectErrorKind {
    /// Whether the cause of the error may be a wrong address.
    pub(crate) fn may_be_another_address(&self) -> bool {
        match self {
            Self::Unresolved(_)
            | Self::Unreached(_)
            | Self::NoConnection(_)
            | Self::HttpServer
            | Self::OtherProtocol
            | Self::Silent(_) => true,
            Self::NoHandshake(_)
            | Self::NotTls
            | Self::Certificate(_)
            | Self::Refused(_)
            | Self::TlsExpected
            | Self::HungUp { .. } => false,
        }
    }

    pub(crate) fn unresolved(error: io::Error) -> Self {
        Self::Unresolved(error.to_string())
    }

    pub(crate) fn unreached(error: io::Error) -> Self {
        Self::Unreached(error.to_string())
    }

    /// Classifies a failed TLS handshake.
    pub(crate) fn handshake(error: &io::Error) -> Self {
        match of_tls(error) {
            Some(rustls::Error::InvalidCertificate(reason)) => {
                Self::Certificate(reason.to_string())
            }
            Some(rustls::Error::AlertReceived(alert)) => Self::Refused(format!("{alert:?}")),
            Some(rustls::Error::InvalidMessage(_)) => Self::NotTls,
            Some(other) => Self::Refused(other.to_string()),
            None if hung_up(error) => Self::NotTls,
            None => Self::Unreached(error.to_string()),
        }
    }

    /// Classifies an error before the first response. A server may reject a missing or invalid client certificate
    /// only at this point, after the TLS handshake.
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
