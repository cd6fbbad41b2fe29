//! Decompresses bodies up to a size limit, so that a decompression bomb cannot exhaust the memory.

use std::io::{self, BufRead, Read};

use bytes::Bytes;
use flate2::bufread::GzDecoder;

use crate::error::RequestError;
use crate::limits::{BODY_BYTES_MAX, COMPRESSED_PARTS_MAX};

/// The largest accepted window of a zstd body, as a power of two: 8 MiB, the limit for the web in RFC 9659.
const WINDOW_LOG_MAX: u32 = 23;

/// The compression of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Gzip,
    Zstd,
}

impl Encoding {
    /// Returns the encoding with this name; `None` if the body is not compressed.
    pub(crate) fn named(name: &str) -> Result<Option<Self>, RequestError> {
        match name.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Ok(None),
            "gzip" | "x-gzip" => Ok(Some(Self::Gzip)),
            "zstd" => Ok(Some(Self::Zstd)),
            _ => Err(RequestError::Encoding(name.to_owned())),
        }
    }
}

/// Decompresses a body to at most [`BODY_BYTES_MAX`] bytes. The body consists of one or several parts (gzip
/// members, zstd frames). Zero bytes after a part are padding and are ignored, as by the tool `gzip`.
pub(crate) fn decompress(compressed: &[u8], encoding: Encoding) -> Result<Bytes, RequestError> {
    let (mut body, mut rest) = (Vec::new(), compressed);
    for _ in 0..COMPRESSED_PARTS_MAX {
        rest = match encoding {
            Encoding::Gzip => gzip_member(rest, &mut body)?,
            Encoding::Zstd => zstd_frame(rest, &mut body)?,
        };
        rest = &rest[rest.iter().take_while(|byte| **byte == 0).count()..];
        if rest.is_empty() {
            return Ok(Bytes::from(body));
        }
    }
    Err(RequestError::Compression(format!(
        "it has more than {COMPRESSED_PARTS_MAX} compressed parts; compress it as one"
    )))
}

/// Decompresses the first member and returns the bytes after it.
fn gzip_member<'c>(mut compressed: &'c [u8], body: &mut Vec<u8>) -> Result<&'c [u8], RequestError> {
    read(GzDecoder::new(&mut compressed), body)?;
    Ok(compressed)
}

/// Decompresses the first frame and returns the bytes after it.
fn zstd_frame<'c>(mut compressed: &'c [u8], body: &mut Vec<u8>) -> Result<&'c [u8], RequestError> {
    let decoder = zstd::stream::read::Decoder::with_buffer(&mut compressed).map_err(unreadable)?;
    let mut decoder = decoder.single_frame();
    decoder.window_log_max(WINDOW_LOG_MAX).map_err(unreadable)?;
    read(decoder, body)?;
    Ok(compressed)
}

fn read(decoder: impl Read, body: &mut Vec<u8>) -> Result<(), RequestError> {
    let mut decoder = io::BufReader::new(decoder);
    loop {
        let piece = decoder.fill_buf().map_err(unreadable)?;
        if piece.is_empty() {
            return Ok(());
        }
        if body.len() + piece.len() > BODY_BYTES_MAX {
            return Err(RequestError::TooLarge);
        }
        body.extend_from_slice(piece);
        let length = piece.len();
        decoder.consume(length);
    }
}

fn unreadable(error: io::Error) -> RequestError {
    RequestError::Compression(error.to_string())
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
    fn bodies_are_decompressed_to_their_original() {
        let body = b"{\"event_name\":\"e\"}\n".repeat(1_000);
        assert_eq!(decompress(&gzip(&body), Encoding::Gzip).unwrap(), body);
        let members = [gzip(b"one"), gzip(b"two")].concat();
        assert_eq!(decompress(&members, Encoding::Gzip).unwrap(), "onetwo");
        let zstd = zstd::encode_all(&body[..], 3).unwrap();
        assert_eq!(decompress(&zstd, Encoding::Zstd).unwrap(), body);
    }

    #[test]
    fn zero_bytes_after_a_part_are_padding_and_others_are_not() {
        let zstd = |body: &[u8]| zstd::encode_all(body, 3).unwrap();
        for (encoding, one, two) in [
            (Encoding::Gzip, gzip(b"one\0"), gzip(b"")),
            (Encoding::Zstd, zstd(b"one\0"), zstd(b"")),
        ] {
            let decompressed = |pieces: &[&[u8]]| decompress(&pieces.concat(), encoding);
            assert_eq!(decompressed(&[&one, &[0; 3]]).unwrap(), "one\0");
            assert_eq!(decompressed(&[&one, &[0; 512]]).unwrap(), "one\0");
            assert_eq!(decompressed(&[&one, &two, &one]).unwrap(), "one\0one\0");
            let padded = decompressed(&[&one, &[0; 9], &one, &[0]]);
            assert_eq!(padded.unwrap(), "one\0one\0");
            for wrong in [&[&one, &b"\0\0garbage"[..]][..], &[&[0; 20]], &[]] {
                let refused = decompressed(wrong);
                assert!(
                    matches!(refused, Err(RequestError::Compression(_))),
                    "{refused:?}"
                );
            }
            let pieces = two.repeat(COMPRESSED_PARTS_MAX);
            assert_eq!(decompressed(&[&pieces]).unwrap(), "");
            assert!(decompressed(&[&pieces, &two]).is_err());
        }
    }

    #[test]
    fn a_bomb_is_too_large_and_half_a_body_is_an_error() {
        let bomb = vec![b' '; BODY_BYTES_MAX + 1];
        let compressed = gzip(&bomb);
        assert!(compressed.len() < BODY_BYTES_MAX / 500);
        assert_eq!(
            decompress(&compressed, Encoding::Gzip),
            Err(RequestError::TooLarge)
        );
        let compressed = zstd::encode_all(&bomb[..], 19).unwrap();
        assert_eq!(
            decompress(&compressed, Encoding::Zstd),
            Err(RequestError::TooLarge)
        );
        assert!(decompress(&bomb[1..], Encoding::Zstd).is_err());
        let cut = gzip(b"whole");
        assert!(matches!(
            decompress(&cut[..cut.len() - 9], Encoding::Gzip),
            Err(RequestError::Compression(_))
        ));
    }

    #[test]
    fn a_window_beyond_the_limit_for_the_web_is_refused() {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
        encoder.window_log(27).unwrap();
        encoder.write_all(b"small").unwrap();
        let compressed = encoder.finish().unwrap();
        assert!(matches!(
            decompress(&compressed, Encoding::Zstd),
            Err(RequestError::Compression(_))
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
