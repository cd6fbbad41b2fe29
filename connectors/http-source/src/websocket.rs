//! WebSocket: each message is a record.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use client::RECORD_BYTES_MAX;
use futures_util::{SinkExt, StreamExt};
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::{CapacityError, ProtocolError};
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, client_async_tls_with_config};
use tokio_util::sync::CancellationToken;

use crate::config::{Config, Socket};
use crate::error::SourceError;
use crate::http::{CONNECT_TIMEOUT, explain, status_error};
use crate::intake::Intake;
use crate::outcome::{FetchError, ReadOutcome};
use crate::queue::Closed;
use crate::splitter::{Piece, is_blank};
use crate::tls::{TRUST_HINT, is_distrust, tls};

/// The largest message that is read. It is larger than the largest record, so that the beginning of a message
/// that is too large for a record can be kept. If a message exceeds even this limit, the connection is closed
/// and only the message's size is reported.
const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;

type Connection = WebSocketStream<MaybeTlsStream<TcpStream>>;

pub(crate) struct WebSocket {
    config: Arc<Config>,
    socket: Socket,
    tls: Arc<ClientConfig>,
}

impl WebSocket {
    pub(crate) fn new(config: Arc<Config>, socket: Socket) -> Result<Self, SourceError> {
        let tls = Arc::new(tls(&config)?);
        Ok(Self {
            config,
            socket,
            tls,
        })
    }

    pub(crate) async fn read(
        &mut self,
        intake: &mut Intake,
        stop: &CancellationToken,
    ) -> Result<ReadOutcome, Closed> {
        let connection = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(ReadOutcome::Stopped),
            connection = timeout(CONNECT_TIMEOUT, self.connect()) => connection,
        };
        match connection {
            Ok(Ok(connection)) => self.listen(connection, intake, stop).await,
            Ok(Err(error)) => Ok(ReadOutcome::Failed(error)),
            Err(_) => Ok(ReadOutcome::Failed(
                self.temporary("the server did not complete the connection in time"),
            )),
        }
    }

    async fn connect(&self) -> Result<Connection, FetchError> {
        let url = &self.config.url;
        let request = self.request().map_err(|error| self.fetch_error(&error))?;
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let port = url.port_or_known_default().unwrap_or(80);
        let stream = TcpStream::connect((host, port)).await;
        let stream = stream.map_err(|error| self.temporary(&explain(&error)))?;
        let limits = WebSocketConfig::default()
            .max_message_size(Some(MESSAGE_BYTES_MAX))
            .max_frame_size(Some(MESSAGE_BYTES_MAX));
        let tls = Connector::Rustls(Arc::clone(&self.tls));
        let connected =
            client_async_tls_with_config(request, stream, Some(limits), Some(tls)).await;
        let (mut connection, _) = connected.map_err(|error| self.fetch_error(&error))?;
        if let Some(text) = &self.socket.subscription {
            let sent = connection.send(Message::text(text.reveal())).await;
            sent.map_err(|error| self.fetch_error(&error))?;
        }
        Ok(connection)
    }

    fn request(&self) -> Result<Request, Error> {
        let mut request = self.config.url.as_str().into_client_request()?;
        for (name, value) in &self.config.headers {
            request.headers_mut().append(name, value.clone());
        }
        Ok(request)
    }

    async fn listen(
        &self,
        mut connection: Connection,
        intake: &mut Intake,
        stop: &CancellationToken,
    ) -> Result<ReadOutcome, Closed> {
        let mut pings = interval(self.socket.ping_every);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last_received = Instant::now();
        loop {
            let message = tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(ReadOutcome::Stopped),
                message = connection.next() => message,
                _ = pings.tick() => {
                    // If a ping cannot be sent, reading the connection returns the error.
                    let _unsent = connection.send(Message::Ping(Bytes::new())).await;
                    continue;
                }
                () = sleep_until(last_received + self.config.idle_timeout) => {
                    let reason = "the server was silent for longer than `http.idle-timeout`";
                    return Ok(ReadOutcome::Failed(self.temporary(reason)));
                }
            };
            let payload = match message {
                Some(Ok(Message::Text(text))) => Bytes::from(text),
                Some(Ok(Message::Binary(bytes))) => bytes,
                Some(Ok(Message::Close(_))) => return Ok(ReadOutcome::Complete),
                Some(Ok(_)) => {
                    last_received = Instant::now();
                    continue;
                }
                Some(Err(error)) => {
                    if let Error::Capacity(CapacityError::MessageTooLong { size, .. }) = error {
                        // The library returns no part of the message, so only its size is reported.
                        intake.reject_unread(size as u64).await?;
                        return Ok(ReadOutcome::Failed(FetchError::MessageTooLarge(format!(
                            "the server sent a message of {size} bytes, more than {MESSAGE_BYTES_MAX}; it was not \
                             read, and `rejected-events` contains an entry without payload"
                        ))));
                    }
                    return Ok(ReadOutcome::Failed(self.fetch_error(&error)));
                }
                None => {
                    return Ok(ReadOutcome::Failed(
                        self.temporary("the connection was cut"),
                    ));
                }
            };
            if !is_blank(&payload) {
                intake
                    .take(Piece::of(payload, RECORD_BYTES_MAX), None)
                    .await?;
            }
            // Set after waiting for room in the queue: a slow cluster must not make the server look silent.
            last_received = Instant::now();
        }
    }

    /// Classifies an error of the connection. The handshake is an HTTP request, so the server can refuse it with
    /// a status.
    fn fetch_error(&self, error: &Error) -> FetchError {
        match error {
            Error::Http(response) => status_error(response.status(), response.headers()),
            Error::Url(_) | Error::HttpFormat(_) => {
                FetchError::Permanent(self.config.censor.strike(&explain(error)))
            }
            // Only extensions may set the reserved bits of a frame, and the client requests no extension.
            Error::Protocol(ProtocolError::NonZeroReservedBits) => {
                let reason = explain(error);
                FetchError::Permanent(format!(
                    "{reason}: the server compresses its messages with `permessage-deflate`, which is not supported; \
                     disable it on the server"
                ))
            }
            _ if is_distrust(error) => {
                let reason = self.config.censor.strike(&explain(error));
                FetchError::Permanent(format!("{reason}; {TRUST_HINT}"))
            }
            _ => self.temporary(&explain(error)),
        }
    }

    fn temporary(&self, reason: &str) -> FetchError {
        FetchError::Temporary {
            reason: self.config.censor.strike(reason),
            pause: Duration::ZERO,
        }
    }
}

#[cfg(test)]
mod tests;
