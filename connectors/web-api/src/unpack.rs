//! Unpacks bodies, with a limit on what comes out: a bomb costs its sender a refusal, and us no memory.

use std::io::{self, BufRead, Read};

use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;

use crate::error::Refusal;
use crate::limits::BODY_BYTES_MAX;

/// The largest window that a zstd body may ask for, as a power of two: 8 MiB, what RFC 9659 allows on
/// the web.
const WINDOW_LOG_MAX: u32 = 23;

/// How a body is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Gzip,
    Zstd,
}

impl Encoding {
    /// The encoding of this name; none for a body that is not packed.
    pub(crate) fn named(name: &str) -> Result<Option<Self>, Refusal> {
        match name.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Ok(None),
            "gzip" | "x-gzip" => Ok(Some(Self::Gzip)),
            "zstd" => Ok(Some(Self::Zstd)),
            _ => Err(Refusal::Encoding(name.to_owned())),
        }
    }
}

/// The body that `packed` is, at most [`BODY_BYTES_MAX`] bytes of it.
pub(crate) fn unpack(packed: &[u8], encoding: Encoding) -> Result<Bytes, Refusal> {
    let unreadable = |error: io::Error| Refusal::Packed(error.to_string());
    match encoding {
        Encoding::Gzip => read(MultiGzDecoder::new(packed)),
        Encoding::Zstd => {
            let mut decoder =
                zstd::stream::read::Decoder::with_buffer(packed).map_err(unreadable)?;
            decoder.window_log_max(WINDOW_LOG_MAX).map_err(unreadable)?;
            read(decoder)
        }
    }
}

fn read(decoder: impl Read) -> Result<Bytes, Refusal> {
    let mut body = Vec::new();
    let mut decoder = io::BufReader::new(decoder);
    loop {
        let piece = decoder
            .fill_buf()
            .map_err(|error| Refusal::Packed(error.to_string()))?;
        if piece.is_empty() {
            return Ok(Bytes::from(body));
        }
        if body.len() + piece.len() > BODY_BYTES_MAX {
            return Err(Refusal::TooLarge);
        }
        body.extend_from_slice(piece);
        let length = piece.len();
        decoder.consume(length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    fn gzip(body: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(body).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn bodies_come_out_as_they_went_in() {
        let body = b"{\"event_name\":\"e\"}\n".repeat(1_000);
        assert_eq!(unpack(&gzip(&body), Encoding::Gzip).unwrap(), body);
        let members = [gzip(b"one"), gzip(b"two")].concat();
        assert_eq!(unpack(&members, Encoding::Gzip).unwrap(), "onetwo");
        let zstd = zstd::encode_all(&body[..], 3).unwrap();
        assert_eq!(unpack(&zstd, Encoding::Zstd).unwrap(), body);
    }

    #[test]
    fn a_bomb_is_too_large_and_half_a_body_is_no_body() {
        let bomb = vec![b' '; BODY_BYTES_MAX + 1];
        let packed = gzip(&bomb);
        assert!(packed.len() < BODY_BYTES_MAX / 500);
        assert_eq!(unpack(&packed, Encoding::Gzip), Err(Refusal::TooLarge));
        let packed = zstd::encode_all(&bomb[..], 19).unwrap();
        assert_eq!(unpack(&packed, Encoding::Zstd), Err(Refusal::TooLarge));
        assert!(unpack(&bomb[1..], Encoding::Zstd).is_err());
        let cut = gzip(b"whole");
        assert!(matches!(
            unpack(&cut[..cut.len() - 9], Encoding::Gzip),
            Err(Refusal::Packed(_))
        ));
    }

    #[test]
    fn a_window_beyond_the_web_s_limit_is_refused() {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
        encoder.window_log(27).unwrap();
        encoder.write_all(b"small").unwrap();
        let packed = encoder.finish().unwrap();
        assert!(matches!(
            unpack(&packed, Encoding::Zstd),
            Err(Refusal::Packed(_))
        ));
    }

    #[test]
    fn encodings_are_named_as_http_names_them() {
        assert_eq!(Encoding::named("GZIP"), Ok(Some(Encoding::Gzip)));
        assert_eq!(Encoding::named("identity"), Ok(None));
        assert!(Encoding::named("br").is_err());
        assert!(Encoding::named("gzip, zstd").is_err());
    }
}
