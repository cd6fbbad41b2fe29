//! Sends malformed and hostile bytes to both ports. They may end the connection, but never the node.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::{BufMut, Bytes};
use fluvio::dataplane::Decoder;
use fluvio::dataplane::link::ErrorCode;
use fluvio::dataplane::record::{Batch, RawRecords, Record};
use fluvio::{Compression, Offset};
use fluvio_spu_schema::produce::{PartitionProduceResponse, ProduceResponse};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{
    Node, bounded, consume_all, deadline, expected, produce as produce_well, seen, values,
};

/// Encodes one batch as a producer sends it.
pub(crate) fn batch(values: &[&str], first_timestamp: i64) -> Vec<u8> {
    let records: Vec<Record> = values.iter().map(|value| Record::new(*value)).collect();
    let mut batch = Batch::from(records);
    batch.header.first_timestamp = first_timestamp;
    let raw = Batch::<RawRecords>::try_from(batch).unwrap();
    let mut bytes = Vec::new();
    fluvio::dataplane::Encoder::encode(&raw, &mut bytes, 25).unwrap();
    bytes
}

/// Sends one request that contains each piece of `records` as a record set for partition 0.
pub(crate) async fn produce(
    node: &Node,
    topic: &str,
    records: &[Vec<u8>],
) -> Vec<PartitionProduceResponse> {
    let mut socket = connect(node.handle.spu_addr()).await;
    socket
        .write_all(&framed(&produce_request(topic, records)))
        .await
        .unwrap();
    let length = deadline(socket.read_i32()).await.unwrap();
    let mut frame = vec![0; length as usize];
    deadline(socket.read_exact(&mut frame)).await.unwrap();
    let response = ProduceResponse::decode_from(&mut &frame[4..], 25).unwrap();
    response.responses.into_iter().next().unwrap().partitions
}

#[tokio::test(flavor = "multi_thread")]
async fn corrupt_records_are_refused_whole_and_sound_ones_beside_them_kept() {
    let node = Node::start().await;
    node.create_topic("strict", 1).await;
    let sound = batch(&["one", "two"], 1_000);
    let mut flipped = sound.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let mut foreign = sound.clone();
    foreign[16] = 1;
    let half_good = [sound.clone(), flipped.clone()].concat();
    let cut = sound[..sound.len() - 1].to_vec();
    let pieces = [
        sound.clone(),
        flipped,
        half_good,
        cut,
        foreign,
        b"hello".to_vec(),
        [sound.clone(), sound].concat(),
    ];
    let answers = produce(&node, "strict", &pieces).await;
    let accepted: Vec<_> = answers
        .iter()
        .map(|answer| answer.error_code.is_ok())
        .collect();
    assert_eq!(accepted, [true, false, false, false, false, false, true]);
    assert_eq!(answers[6].base_offset, 2);
    assert!(
        answers[1].error_code.to_string().contains("checksum"),
        "{}",
        answers[1].error_code
    );
    let records = consume_all(
        &node.client().await,
        bounded("strict", Offset::beginning()).build().unwrap(),
    )
    .await;
    let texts: Vec<_> = seen(&records).into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, ["one", "two", "one", "two", "one", "two"]);
    assert_eq!(
        produce(&node, "absent", &[batch(&["x"], 0)]).await[0].error_code,
        ErrorCode::NotLeaderForPartition
    );
    let system = produce(&node, "consumer-offset", &[batch(&["x"], 0)]).await;
    assert_eq!(system[0].error_code, ErrorCode::PermissionDenied);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corpus_of_hostile_frames_ends_connections_only() {
    let node = Node::start().await;
    node.create_topic("live", 1).await;
    let mut corpus: Vec<Bytes> = vec![
        Bytes::from_static(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        (-1i32).to_be_bytes().to_vec().into(),
        i32::MIN.to_be_bytes().to_vec().into(),
        i32::MAX.to_be_bytes().to_vec().into(),
        // A frame that announces 60 MB and contains nothing more.
        60_000_000i32.to_be_bytes().to_vec().into(),
        framed(&[]),
        framed(&[0xff; 100]),
        framed(&header(9_999, 1)),
        framed(&header(1003, -5)),
        framed(&header(0, 99)),
    ];
    for key in [
        0, 1, 18, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 2000,
    ] {
        corpus.push(framed(&header(key, 19)));
        for tail in [0x00, 0x7f, 0xff] {
            corpus.push(framed(&[header(key, 19), vec![tail; 64]].concat()));
        }
        // An object kind, known or not, followed by a length far beyond the frame, or by 8 bytes of noise.
        for label in ["Topic", "SmartModule", "Partition", "SPU", "Nonsense"] {
            let mut body = header(key, 19);
            put_string(&mut body, label);
            corpus.push(framed(&[&body[..], &[0x7f, 0xff, 0xff, 0xff]].concat()));
            corpus.push(framed(&[&body[..], &[0, 0, 0, 8], &[0xff; 8]].concat()));
        }
    }
    corpus.push(framed(&smartmodule_with_endless_payload()));
    for bytes in &corpus {
        offend(&node, bytes).await;
    }
    serves(&node).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_cut_and_flip_of_a_valid_request_is_survived() {
    let node = Node::start().await;
    node.create_topic("live", 1).await;
    let valid = produce_request("live", &[batch(&["value"], 1)]);
    for end in 0..valid.len() {
        offend(&node, &framed(&valid[..end])).await;
    }
    serves(&node).await;
    let mut runner = TestRunner::new(Config {
        cases: 64,
        failure_persistence: None,
        ..Config::default()
    });
    let flips = proptest::collection::vec((0..valid.len(), any::<u8>()), 1..4);
    let runtime = tokio::runtime::Handle::current();
    tokio::task::block_in_place(|| {
        runner
            .run(
                &(flips, proptest::collection::vec(any::<u8>(), 0..200)),
                |(flips, noise)| {
                    let mut frame = valid.clone();
                    flips.iter().for_each(|(at, byte)| frame[*at] = *byte);
                    runtime.block_on(async {
                        offend(&node, &framed(&frame)).await;
                        offend(&node, &noise).await;
                    });
                    Ok(())
                },
            )
            .unwrap();
    });
    still_answers(&node).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_does_not_read_blocks_no_other() {
    let node = Node::start().await;
    let client = node.client().await;
    node.create_topic("busy", 1).await;
    produce_well(&client, "busy", &values(5_000), Compression::None).await;
    let mut stuck = connect(node.handle.spu_addr()).await;
    let mut request = header(1003, 25);
    put_string(&mut request, "busy");
    request.put_u32(0);
    request.put_i64(0);
    request.put_i32(1_000_000);
    request.put_u8(0);
    request.put_i32(0);
    request.put_u8(0);
    for _ in 0..200 {
        stuck.write_all(&framed(&request)).await.unwrap();
    }
    let records = consume_all(
        &client,
        bounded("busy", Offset::beginning()).build().unwrap(),
    )
    .await;
    assert_eq!(seen(&records), expected(&values(5_000), 0));
    deadline(node.stop()).await;
}

/// A request that is well-formed up to the payload's length, almost 4 GiB, which the decoder of Fluvio's crates trusts.
fn smartmodule_with_endless_payload() -> Vec<u8> {
    let mut typed = Vec::new();
    put_string(&mut typed, "hostile");
    typed.put_slice(&[0, 0]); // no dry run, no timeout
    typed.put_slice(&[0, 0, 0]); // no metadata, no summary, binary
    typed.put_u32(u32::MAX);
    let mut request = header(1001, 19);
    put_string(&mut request, "SmartModule");
    request.put_u32(typed.len() as u32);
    request.put_slice(&typed);
    request
}

/// Sends `bytes` to each port and closes the sending side. The node must then close the connection.
async fn offend(node: &Node, bytes: &[u8]) {
    for address in [node.handle.sc_addr(), node.handle.spu_addr()] {
        let mut socket = connect(address).await;
        // Writing may fail, because the node may hang up before it has read everything.
        let _ = socket.write_all(bytes).await;
        let _ = socket.shutdown().await;
        let mut answer = Vec::new();
        let _ = tokio::time::timeout(Duration::from_secs(5), socket.read_to_end(&mut answer))
            .await
            .expect("a connection whose peer has hung up must end");
    }
}

/// Checks that the node still serves a well-behaved client, and has stored only what that client sent.
async fn serves(node: &Node) {
    let client = node.client().await;
    let values = values(50);
    produce_well(&client, "live", &values, Compression::Gzip).await;
    let records = consume_all(
        &client,
        bounded("live", Offset::beginning()).build().unwrap(),
    )
    .await;
    assert_eq!(seen(&records), expected(&values, 0));
}

/// Like [`serves`], but allows for other stored data, because some hostile frames may be valid requests.
async fn still_answers(node: &Node) {
    let client = node.client().await;
    let before = consume_all(
        &client,
        bounded("live", Offset::beginning()).build().unwrap(),
    )
    .await
    .len();
    produce_well(&client, "live", &values(1), Compression::None).await;
    let after = consume_all(
        &client,
        bounded("live", Offset::beginning()).build().unwrap(),
    )
    .await
    .len();
    assert_eq!(after, before + 1);
}

async fn connect(address: SocketAddr) -> TcpStream {
    deadline(TcpStream::connect(address)).await.unwrap()
}

fn produce_request(topic: &str, records: &[Vec<u8>]) -> Vec<u8> {
    let mut request = header(0, 25);
    request.put_u8(0); // no transaction
    request.put_i16(1); // acks: the leader has written the records
    request.put_i32(5_000);
    request.put_i32(1);
    put_string(&mut request, topic);
    request.put_i32(records.len() as i32);
    for piece in records {
        request.put_u32(0);
        request.put_i32(piece.len() as i32);
        request.put_slice(piece);
    }
    request.put_i32(0); // no SmartModules
    request
}

fn header(key: u16, version: i16) -> Vec<u8> {
    let mut header = Vec::new();
    header.put_u16(key);
    header.put_i16(version);
    header.put_i32(1);
    put_string(&mut header, "test");
    header
}

fn put_string(out: &mut Vec<u8>, text: &str) {
    out.put_i16(text.len() as i16);
    out.put_slice(text.as_bytes());
}

fn framed(request: &[u8]) -> Bytes {
    let mut frame = Vec::new();
    frame.put_i32(request.len() as i32);
    frame.put_slice(request);
    frame.into()
}
