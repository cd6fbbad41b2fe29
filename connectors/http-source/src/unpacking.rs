//! Decompresses bodies as they arrive, whether or not the request asked for compression.
//!
//! The output is passed on in pieces of a limited size, so that memory stays constant however large the
//! decompressed body is. Limits on records apply to the output.

mod brotli;
mod deflate;
mod gzip;
mod layers;
mod zstd;

use std::io::{self, ErrorKind};
use std::time::Duration;

use bytes::Bytes;
use reqwest::Response;
use reqwest::header::{CONTENT_ENCODING, HeaderMap, TRANSFER_ENCODING};

use crate::http::Http;
use crate::outcome::FetchError;
use crate::output::AnswerHead;
use layers::{Layers, Unpack};

/// The maximum number of compressions of one body. Servers compress a body once, misconfigured ones twice. Each
/// further layer would multiply the size to which a small body can grow.
const CODINGS_MAX: usize = 2;
/// Error messages contain at most this many characters of a coding's name, which the server chooses.
const NAME_CHARACTERS_MAX: usize = 40;

/// The body of a response, which is decompressed while it is read.
pub(crate) struct Body {
    response: Response,
    /// `None` if the body is not compressed.
    packed: Option<Packed>,
}

struct Packed {
    /// The codings as the server names them, such as `gzip`.
    name: String,
    layers: Layers,
    /// Whether the server has sent everything.
    is_at_end: bool,
}

impl Body {
    /// Wraps the body of a response. Fails if its compression is not supported.
    pub(crate) fn of(response: Response) -> Result<Self, FetchError> {
        let names = codings(response.headers());
        if names.len() > CODINGS_MAX {
            let reason = format!(
                "the answer is compressed {} times; at most {CODINGS_MAX} are supported",
                names.len()
            );
            return Err(FetchError::Permanent(reason));
        }
        // The coding applied last is undone first.
        let unpackers = names.iter().rev().map(|name| unpacker(name));
        let unpackers = unpackers.collect::<Result<Vec<_>, _>>()?;
        let packed = (!names.is_empty()).then(|| Packed {
            name: names.join(", "),
            layers: Layers::new(unpackers),
            is_at_end: false,
        });
        Ok(Self { response, packed })
    }

    pub(crate) fn head(&self) -> AnswerHead {
        AnswerHead::of(&self.response, self.packed.is_some())
    }

    /// Returns the next piece as soon as it has arrived; `None` at the end of the body.
    pub(crate) async fn chunk(&mut self, http: &Http) -> Result<Option<Bytes>, FetchError> {
        let Some(packed) = &mut self.packed else {
            return self.response.chunk().await.map_err(|e| http.fetch_error(e));
        };
        loop {
            // A small body may decompress to a very large one. Yielding lets other tasks run and a stop request
            // take effect.
            tokio::task::consume_budget().await;
            if let Some(piece) = packed.pull()? {
                return Ok(Some(piece));
            }
            if packed.is_at_end {
                return Ok(None);
            }
            match self
                .response
                .chunk()
                .await
                .map_err(|e| http.fetch_error(e))?
            {
                Some(chunk) => packed.layers.push(chunk),
                None => packed.end()?,
            }
        }
    }
}

impl Packed {
    fn pull(&mut self) -> Result<Option<Bytes>, FetchError> {
        self.layers.pull().map_err(|error| self.fetch_error(&error))
    }

    fn end(&mut self) -> Result<(), FetchError> {
        self.is_at_end = true;
        self.layers
            .finish()
            .map_err(|error| self.fetch_error(&error))
    }

    /// Classifies an error: temporary if the body ended early, permanent if the body is invalid.
    fn fetch_error(&self, error: &io::Error) -> FetchError {
        let name = &self.name;
        let reason =
            format!("the answer is encoded as `{name}` and cannot be decompressed: {error}");
        if error.kind() == ErrorKind::UnexpectedEof {
            let pause = Duration::ZERO;
            FetchError::Temporary { reason, pause }
        } else {
            FetchError::Permanent(reason)
        }
    }
}

/// Returns the codings of the body in the order in which they were applied: those of `Content-Encoding`, then
/// those of `Transfer-Encoding`.
fn codings(headers: &HeaderMap) -> Vec<String> {
    let content = headers.get_all(CONTENT_ENCODING).into_iter();
    let transfer = headers.get_all(TRANSFER_ENCODING).into_iter();
    let text = content.chain(transfer);
    let text = text.map(|value| String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase());
    let names = text.flat_map(|text| {
        let names = text.split(',').map(|name| name.trim().to_owned());
        names.collect::<Vec<_>>()
    });
    // The HTTP client has already undone `chunked`.
    names
        .filter(|name| !["", "identity", "chunked"].contains(&name.as_str()))
        .collect()
}

fn unpacker(name: &str) -> Result<Box<dyn Unpack>, FetchError> {
    let failed =
        |error: io::Error| FetchError::Permanent(format!("cannot decompress `{name}`: {error}"));
    Ok(match name {
        "gzip" | "x-gzip" => Box::new(gzip::Gzip::new()),
        "deflate" => Box::new(deflate::Deflate::new()),
        "br" => Box::new(brotli::Brotli::new()),
        "zstd" => Box::new(zstd::Zstd::new().map_err(failed)?),
        _ => {
            let name: String = name.chars().take(NAME_CHARACTERS_MAX).collect();
            return Err(FetchError::Permanent(format!(
                "the answer is encoded as `{name}`; supported encodings are gzip, deflate, br and zstd: \
                 request an uncompressed answer with the header `Accept-Encoding: identity`"
            )));
        }
    })
}

#[cfg(test)]
mod tests;
