//! Responses with every kind of compression, requested or not, and the records made from them. The Brotli
//! bytes come from the reference implementation, which is not part of this build.

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

use super::*;
use crate::config::Config;
use crate::outcome::ReadOutcome;
use crate::testing::{Act, Endpoint, config, first_outcome, send, values, written};

/// The lines `first`, `second` and `third` as one Brotli stream. The encoder was flushed after the first line and
/// in the middle of the third.
const BROTLI_STREAM: [&[u8]; 3] = [
    b"\x8b\x02\x80\x66\x69\x72\x73\x74\x0a",
    b"\x48\x00\x80\x5f\x5a\x01\x2d\x8d\x4e\x11\x22\x4a\x50\x42\x36\x03",
    b"\x10\x00\x08\x72\x64\x0a\x03",
];
/// Three million letters `x`, and a line `next`.
const BROTLI_BOMB: &[u8] =
    b"\x9b\xc5\xc6\x2d\xf8\xa5\x14\xf0\x4a\x91\xc7\x0a\x81\xc6\xe6\xf9\xb6\xc4\x69\xdc\x00";
const LINES: [&str; 3] = ["first\n", "second\nthi", "rd\n"];

/// Compresses the pieces as one stream, and flushes after each, so that it can be decompressed without the next.
fn packed<W: Write>(mut encoder: W, pieces: &[&str], bytes: fn(&W) -> &Vec<u8>) -> Vec<Vec<u8>> {
    let mut before = 0;
    let mut packed = Vec::new();
    for piece in pieces {
        encoder.write_all(piece.as_bytes()).expect("memory");
        encoder.flush().expect("memory");
        packed.push(bytes(&encoder)[before..].to_vec());
        before = bytes(&encoder).len();
    }
    drop(encoder);
    packed
}

fn gzip_pieces(pieces: &[&str]) -> Vec<Vec<u8>> {
    let encoder = GzEncoder::new(Vec::new(), Compression::best());
    packed(encoder, pieces, GzEncoder::get_ref)
}

fn zstd_pieces(pieces: &[&str]) -> Vec<Vec<u8>> {
    let encoder = ::zstd::stream::write::Encoder::new(Vec::new(), 3).expect("an encoder");
    packed(encoder, pieces, ::zstd::stream::write::Encoder::get_ref)
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).expect("memory");
    encoder.finish().expect("memory")
}

fn zlib(body: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).expect("memory");
    encoder.finish().expect("memory")
}

fn bare(body: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).expect("memory");
    encoder.finish().expect("memory")
}

fn zstd(body: &[u8]) -> Vec<u8> {
    ::zstd::encode_all(body, 3).expect("memory")
}

/// A gzip member whose header has every optional part.
fn gzip_with_all_fields(body: &[u8]) -> Vec<u8> {
    let plain = gzip(body);
    let header = b"\x1f\x8b\x08\x1e\0\0\0\0\0\xff\x03\0abcname\0comment\0\x12\x34";
    [header.as_slice(), &plain[10..]].concat()
}

fn chunk(bytes: &[u8]) -> Act {
    let size = format!("{:x}\r\n", bytes.len());
    send([size.as_bytes(), bytes, b"\r\n"].concat())
}

fn streamed(headers: &str, pieces: &[Vec<u8>]) -> Vec<Act> {
    let head = format!("HTTP/1.1 200 OK\r\n{headers}\r\n");
    let mut script = vec![send(head)];
    script.extend(pieces.iter().map(|piece| chunk(piece)));
    script.push(Act::Stall);
    script
}

fn answer(encoding: &str, body: &[u8]) -> Vec<Act> {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-encoding: {encoding}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    vec![send([head.as_bytes(), body].concat())]
}

fn polling(endpoint: &Endpoint, more: &str) -> Config {
    let address = &endpoint.address;
    config(
        "records",
        &format!("endpoint: http://{address}/\ninterval: 10ms{more}"),
    )
}

fn streaming(endpoint: &Endpoint) -> Config {
    polling(endpoint, "\nstream: true\nidle-timeout: 50s")
}

/// Returns the error of polling an endpoint that sends this response.
async fn failure(answer: Vec<Act>) -> FetchError {
    let endpoint = Endpoint::start(vec![answer]).await;
    match first_outcome(polling(&endpoint, "")).await {
        ReadOutcome::Failed(failure) => failure,
        outcome => panic!("{outcome:?}"),
    }
}

#[tokio::test]
async fn lines_of_a_packed_stream_arrive_while_it_goes_on() {
    let chunked =
        |encoding: &str| format!("content-encoding: {encoding}\r\ntransfer-encoding: chunked\r\n");
    let deflate = ZlibEncoder::new(Vec::new(), Compression::best());
    let deflate = packed(deflate, &LINES, ZlibEncoder::get_ref);
    let brotli = BROTLI_STREAM.map(<[u8]>::to_vec).to_vec();
    for (headers, pieces) in [
        (chunked("gzip"), gzip_pieces(&LINES)),
        (chunked("deflate"), deflate),
        (chunked("zstd"), zstd_pieces(&LINES)),
        (chunked("br"), brotli),
        (chunked("identity"), LINES.map(|line| line.into()).to_vec()),
        (
            "transfer-encoding: gzip, chunked\r\n".to_owned(),
            gzip_pieces(&LINES),
        ),
    ] {
        let endpoint = Endpoint::start(vec![streamed(&headers, &pieces)]).await;
        let (written, counted) = written(streaming(&endpoint), 3).await;
        assert_eq!(values(&written), ["first", "second", "third"], "{headers}");
        assert_eq!(counted.failures, 0, "{headers}");
        // The endpoint does not send the last piece. The lines before it must arrive nevertheless.
        let endpoint = Endpoint::start(vec![streamed(&headers, &pieces[..2])]).await;
        let (written, _) = crate::testing::written(streaming(&endpoint), 2).await;
        assert_eq!(values(&written), ["first", "second"], "{headers}");
    }
}

#[tokio::test]
async fn many_lines_in_few_packed_bytes_do_not_wait_for_the_next_ones() {
    const LINES: usize = 40_000;
    let text: String = (0..LINES).map(|line| format!("line {line}\n")).collect();
    for (encoding, pieces) in [
        ("gzip", gzip_pieces(&[&text])),
        ("zstd", zstd_pieces(&[&text])),
    ] {
        let headers = format!("content-encoding: {encoding}\r\ntransfer-encoding: chunked\r\n");
        let endpoint = Endpoint::start(vec![streamed(&headers, &pieces)]).await;
        let (written, _) = written(streaming(&endpoint), LINES).await;
        assert_eq!(written[LINES - 1].value, format!("line {}", LINES - 1));
    }
}

#[tokio::test]
async fn polled_answers_are_unpacked_whatever_their_packing_is_called() {
    let body = b"{\"a\": 1}\n{\"b\": 2}".as_slice();
    let twice = [gzip(&body[..5]), gzip(&body[5..]), vec![0; 100]].concat();
    let frames = [zstd(&body[..5]), zstd(&body[5..]), vec![0; 9]].concat();
    let scripts = vec![
        answer("gzip", &gzip(body)),
        answer("X-GZip", &gzip_with_all_fields(body)),
        answer("gzip", &twice),
        answer("deflate", &zlib(body)),
        answer("deflate", &bare(body)),
        answer("zstd", &zstd(body)),
        answer("zstd", &frames),
        answer("", body),
        answer("identity", body),
        answer("deflate, gzip", &gzip(&zlib(body))),
        answer("zstd\r\ncontent-encoding: gzip", &gzip(&zstd(body))),
        answer("br", &BROTLI_STREAM.concat()),
        vec![Act::Stall],
    ];
    let answers = scripts.len() - 1;
    let endpoint = Endpoint::start(scripts).await;
    let (written, counted) = written(polling(&endpoint, ""), answers).await;
    let mut expected = vec![std::str::from_utf8(body).expect("text"); answers];
    expected[answers - 1] = "first\nsecond\nthird\n";
    assert_eq!(values(&written), expected);
    assert_eq!(counted.failures, 0);
}

#[tokio::test]
async fn a_packed_answer_without_a_body_is_no_record_and_no_failure() {
    let endpoint = Endpoint::start(vec![answer("gzip", b"")]).await;
    let outcome = first_outcome(polling(&endpoint, "")).await;
    assert!(matches!(outcome, ReadOutcome::Complete), "{outcome:?}");
}

#[tokio::test]
async fn status_and_headers_in_a_record_describe_the_unpacked_body() {
    let endpoint = Endpoint::start(vec![answer("gzip", &gzip(b"text"))]).await;
    let (written, _) = written(polling(&endpoint, "\noutput_parts: full"), 1).await;
    let expected = "HTTP/1.1 200 OK\nconnection: close\n\ntext";
    assert_eq!(written[0].value, expected);
}

#[tokio::test]
async fn an_unknown_packing_is_named_with_what_is_understood() {
    for (encoding, name) in [("compress", "compress"), ("gzip, LZMA", "lzma")] {
        let FetchError::Permanent(reason) = failure(answer(encoding, b"\x1f\x9d\x90")).await else {
            panic!("{encoding}")
        };
        let expected = format!(
            "the answer is encoded as `{name}`; supported encodings are gzip, deflate, br and zstd: \
             request an uncompressed answer with the header `Accept-Encoding: identity`"
        );
        assert_eq!(reason, expected);
    }
    let FetchError::Permanent(reason) = failure(answer("gzip, gzip, gzip", b"")).await else {
        panic!("three times")
    };
    assert!(reason.contains("compressed 3 times; at most 2"), "{reason}");
}

#[tokio::test]
async fn a_body_that_is_not_what_it_is_called_is_a_failure_and_no_record() {
    let whole = gzip(b"a body");
    let mut wrong_sum = whole.clone();
    wrong_sum[whole.len() - 8] ^= 1;
    let large_window = [0x11, 0x1e, 0, 0, 0, 0, 0, 0];
    let mut wide = ::zstd::stream::write::Encoder::new(Vec::new(), 3).expect("an encoder");
    wide.window_log(27).expect("a window");
    wide.write_all(b"small").expect("memory");
    let wide = wide.finish().expect("memory");
    for (encoding, body, is_cut) in [
        ("gzip", whole[..whole.len() - 1].to_vec(), true),
        ("gzip", whole[..5].to_vec(), true),
        ("gzip", wrong_sum, false),
        ("gzip", b"plain text".to_vec(), false),
        ("gzip", [&whole[..], b"\0more"].concat(), false),
        (
            "gzip",
            [b"\x1f\x8b\x08\x08\0\0\0\0\0\xff", &[b'n'; 9_000][..]].concat(),
            false,
        ),
        ("deflate", zlib(b"a body")[..8].to_vec(), true),
        ("deflate", [&zlib(b"a body")[..], b"more"].concat(), false),
        ("deflate", b"plain text".to_vec(), false),
        ("zstd", zstd(b"a body")[..9].to_vec(), true),
        ("zstd", b"plain text".to_vec(), false),
        ("zstd", wide, false),
        ("br", BROTLI_BOMB[..9].to_vec(), true),
        ("br", vec![0xff; 20], false),
        ("br", large_window.to_vec(), false),
        ("br", [BROTLI_BOMB, b"more"].concat(), false),
        ("deflate, gzip", gzip(b"plain text"), false),
        ("deflate, gzip", gzip(&zlib(b"a body")[..8]), true),
    ] {
        let failure = failure(answer(encoding, &body)).await;
        let expected = format!("encoded as `{encoding}` and cannot be decompressed: ");
        match failure {
            FetchError::Temporary { reason, .. } if is_cut => {
                assert!(
                    reason.contains(&(expected + "it is incomplete")),
                    "{reason}"
                );
            }
            FetchError::Permanent(reason) if !is_cut => {
                assert!(reason.contains(&expected), "{reason}")
            }
            failure => panic!("{encoding}, {body:?}: {failure:?}"),
        }
    }
}

#[tokio::test]
async fn a_bomb_is_too_large_by_what_comes_out_and_the_next_record_arrives() {
    let large = ["x".repeat(3_000_000), "\nnext\n".to_owned()].concat();
    for (encoding, body) in [
        ("gzip", gzip(large.as_bytes())),
        ("deflate", bare(large.as_bytes())),
        ("zstd", zstd(large.as_bytes())),
        ("br", BROTLI_BOMB.to_vec()),
        ("gzip, zstd", zstd(&gzip(large.as_bytes()))),
    ] {
        assert!(body.len() < 20_000, "{encoding}");
        for (is_stream, bytes) in [(true, 3_000_000), (false, large.len())] {
            let script = [answer(encoding, &body), vec![Act::Stall]].to_vec();
            let endpoint = Endpoint::start(script).await;
            let config = match is_stream {
                true => streaming(&endpoint),
                false => polling(&endpoint, ""),
            };
            let (written, _) = written(config, 1 + usize::from(is_stream)).await;
            let row: serde_json::Value = serde_json::from_str(&written[0].value).expect("JSON");
            assert_eq!(written[0].topic, "rejected-events", "{encoding}");
            assert_eq!(
                row["detail"],
                format!("record: {bytes} bytes, of which the first 65536 are kept")
            );
            assert_eq!(
                is_stream,
                written.get(1).is_some_and(|next| next.value == "next")
            );
        }
    }
}

#[test]
fn pieces_stay_small_and_the_same_wherever_the_packed_bytes_are_cut() {
    let text: String = (0..20_000)
        .map(|line| format!("{line} {}\n", line % 7))
        .collect();
    let gzipped = [
        gzip(text.as_bytes()),
        vec![0; 3],
        gzip_with_all_fields(b"end"),
    ]
    .concat();
    for (name, packed, end) in [
        ("gzip", gzipped, "end"),
        ("deflate", zlib(text.as_bytes()), ""),
        ("deflate", bare(text.as_bytes()), ""),
        (
            "zstd",
            [zstd(text.as_bytes()), vec![0; 3], zstd(b"end")].concat(),
            "end",
        ),
    ] {
        for cut in [1, 2, 3, 10, 1_000, packed.len()] {
            let mut layers = Layers::new(vec![unpacker(name).expect("known")]);
            let mut unpacked = Vec::new();
            for chunk in packed.chunks(cut) {
                layers.push(Bytes::copy_from_slice(chunk));
                while let Some(piece) = layers.pull().expect("whole") {
                    assert!(piece.len() <= 32 * 1024);
                    unpacked.extend_from_slice(&piece);
                }
            }
            layers.finish().expect("all of it");
            assert!(
                unpacked == [text.as_bytes(), end.as_bytes()].concat(),
                "{name}, {cut}"
            );
        }
    }
}
