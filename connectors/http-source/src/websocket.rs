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
use tokio_tungstenite::tungstenite::error::CapacityError;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, client_async_tls_with_config};
use tokio_util::sync::CancellationToken;

use crate::config::{Config, Socket};
use crate::error::SourceError;
use crate::http::{CONNECT_TIMEOUT, explain, refusal};
use crate::intake::Intake;
use crate::queue::Closed;
use crate::splitter::{Piece, is_blank};
use crate::supervisor::{Ended, Failure};
use crate::tls::{TRUST_HINT, is_distrust, tls};

/// Above what a record may be, so that the beginning of one that is too large can be kept; a server that sends more
/// in one message is hung up on, and of the message only its size is told.
const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;

type Connection = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Listens to a WebSocket.
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
    ) -> Result<Ended, Closed> {
        let connection = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(Ended::Stopped),
            connection = timeout(CONNECT_TIMEOUT, self.connect()) => connection,
        };
        match connection {
            Ok(Ok(connection)) => self.listen(connection, intake, stop).await,
            Ok(Err(failure)) => Ok(Ended::Failed(failure)),
            Err(_) => Ok(Ended::Failed(self.passing("no answer to the handshake"))),
        }
    }

    async fn connect(&self) -> Result<Connection, Failure> {
        let url = &self.config.url;
        let request = self.request().map_err(|error| self.failure(&error))?;
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let port = url.port_or_known_default().unwrap_or(80);
        let stream = TcpStream::connect((host, port)).await;
        let stream = stream.map_err(|error| self.passing(&explain(&error)))?;
        let limits = WebSocketConfig::default()
            .max_message_size(Some(MESSAGE_BYTES_MAX))
            .max_frame_size(Some(MESSAGE_BYTES_MAX));
        let tls = Connector::Rustls(Arc::clone(&self.tls));
        let shaken = client_async_tls_with_config(request, stream, Some(limits), Some(tls)).await;
        let (mut connection, _) = shaken.map_err(|error| self.failure(&error))?;
        if let Some(text) = &self.socket.subscription {
            let sent = connection.send(Message::text(text.reveal())).await;
            sent.map_err(|error| self.failure(&error))?;
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
    ) -> Result<Ended, Closed> {
        let mut pings = interval(self.socket.ping_every);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        loop {
            let message = tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(Ended::Stopped),
                message = connection.next() => message,
                _ = pings.tick() => {
                    // A ping that cannot be sent shows when the connection is read.
                    let _unsent = connection.send(Message::Ping(Bytes::new())).await;
                    continue;
                }
                () = sleep_until(heard + self.config.idle_timeout) => {
                    return Ok(Ended::Failed(self.passing("the server has been silent too long")));
                }
            };
            let payload = match message {
                Some(Ok(Message::Text(text))) => Bytes::from(text),
                Some(Ok(Message::Binary(bytes))) => bytes,
                Some(Ok(Message::Close(_))) => return Ok(Ended::Clean),
                Some(Ok(_)) => {
                    heard = Instant::now();
                    continue;
                }
                Some(Err(error)) => {
                    if let Error::Capacity(CapacityError::MessageTooLong { size, .. }) = error {
                        // Nothing of it is there to be kept; that it came is told.
                        intake.miss(size as u64).await?;
                        return Ok(Ended::Failed(Failure::Missed(format!(
                            "a message of {size} bytes came, above {MESSAGE_BYTES_MAX}; nothing of it was read, and \
                             `rejected-events` has an entry without payload"
                        ))));
                    }
                    return Ok(Ended::Failed(self.failure(&error)));
                }
                None => return Ok(Ended::Failed(self.passing("the connection was cut"))),
            };
            if !is_blank(&payload) {
                intake
                    .take(Piece::of(payload, RECORD_BYTES_MAX), None)
                    .await?;
            }
            // Behind the wait for room: a slow cluster is no silent server.
            heard = Instant::now();
        }
    }

    /// A handshake can be refused as any request can.
    fn failure(&self, error: &Error) -> Failure {
        match error {
            Error::Http(response) => refusal(response.status(), response.headers()),
            Error::Url(_) | Error::HttpFormat(_) => {
                Failure::Refused(self.config.censor.strike(&explain(error)))
            }
            _ if is_distrust(error) => {
                let reason = self.config.censor.strike(&explain(error));
                Failure::Refused(format!("{reason}; {TRUST_HINT}"))
            }
            _ => self.passing(&explain(error)),
        }
    }

    fn passing(&self, reason: &str) -> Failure {
        Failure::Passing {
            reason: self.config.censor.strike(reason),
            pause: Duration::ZERO,
        }
    }
}

#[cfg(test)]
mod tests;
