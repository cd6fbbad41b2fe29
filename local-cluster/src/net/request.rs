//! A request frame: its header, and the typed decoding of its body.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use fluvio_protocol::Decoder;
use fluvio_protocol::api::RequestHeader;
use thiserror::Error;

/// Why a request cannot be decoded or is not served. The connection that sent it is closed.
#[derive(Debug, Error)]
pub(crate) enum RequestError {
    /// The bytes are not a request of this key and version.
    #[error("request with key `{api_key}` cannot be decoded: {reason}")]
    Decode {
        /// The request's key; 0 if the header itself cannot be decoded.
        api_key: u16,
        reason: String,
    },
    /// This port serves no request with this key.
    #[error("request key `{0}` is not served on this port")]
    UnknownKey(u16),
    /// The node does not support this version.
    #[error("version {version} of request `{api_key}` is not supported")]
    Version { api_key: u16, version: i16 },
    /// The object kind inside an admin request is unknown or not supported by that request.
    #[error("request `{api_key}` names an object kind that this node does not serve")]
    UnknownObject { api_key: u16 },
}

/// One request: a decoded header, and a body that is still encoded.
pub(crate) struct Request {
    /// The key, which identifies the kind of request.
    pub(crate) api_key: u16,
    /// The protocol version in which the body and the response are encoded.
    pub(crate) version: i16,
    /// The correlation id, which the response repeats.
    pub(crate) correlation_id: i32,
    pub(crate) body: Bytes,
}

impl Request {
    /// Splits a frame into header and body.
    pub(crate) fn parse(mut frame: Bytes) -> Result<Self, RequestError> {
        let header =
            RequestHeader::decode_from(&mut frame, 0).map_err(|error| RequestError::Decode {
                api_key: 0,
                reason: error.to_string(),
            })?;
        Ok(Self {
            api_key: header.api_key(),
            version: header.api_version(),
            correlation_id: header.correlation_id(),
            body: frame,
        })
    }

    /// Decodes the body as `T`.
    pub(crate) fn decode<T: Decoder>(&self) -> Result<T, RequestError> {
        self.guard(|| T::decode_from(&mut self.body.clone(), self.version))
    }

    /// Runs code of Fluvio's published crates, usually a decoder. Their decoders trust lengths and can panic on
    /// hostile ones. Turns a panic into an error, which ends only this connection.
    pub(crate) fn guard<T, E>(
        &self,
        decode: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, RequestError>
    where
        E: std::fmt::Display,
    {
        let failure = |reason: String| RequestError::Decode {
            api_key: self.api_key,
            reason,
        };
        match catch_unwind(AssertUnwindSafe(decode)) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(failure(error.to_string())),
            Err(_) => Err(failure("a length in it points beyond its end".to_owned())),
        }
    }
}

/// Rejects versions outside `versions`, because the published decoders may read them incorrectly.
pub(crate) fn check_version(
    request: &Request,
    versions: std::ops::RangeInclusive<i16>,
) -> Result<(), RequestError> {
    if versions.contains(&request.version) {
        return Ok(());
    }
    Err(RequestError::Version {
        api_key: request.api_key,
        version: request.version,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn header_and_body_are_split() {
        let frame = Bytes::from_static(&[0, 18, 0, 2, 0, 0, 0, 9, 0, 1, b'c', 0xaa, 0xbb]);
        let request = Request::parse(frame).unwrap();
        assert_eq!(
            (request.api_key, request.version, request.correlation_id),
            (18, 2, 9)
        );
        assert_eq!(&request.body[..], [0xaa, 0xbb]);
    }

    #[test]
    fn a_panicking_decoder_is_an_error() {
        let request = Request::parse(Bytes::from_static(&[0, 18, 0, 2, 0, 0, 0, 9, 0, 0])).unwrap();
        let result: Result<(), _> =
            request.guard(|| -> Result<(), String> { panic!("hostile length") });
        assert!(matches!(
            result,
            Err(RequestError::Decode { api_key: 18, .. })
        ));
    }
}
