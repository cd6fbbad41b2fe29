//! Checks that `http-source` reads endpoints that compress their responses although the request does not ask for it.

use std::io::{Read, Write};
use std::net::TcpListener;

use client::Cluster;
use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;

use super::written;
use crate::harness::{self, LocalCluster, path};

const RECORDS: [&str; 2] = [r#"{"n":1}"#, r#"{"n":2}"#];

/// Starts an endpoint that responds to each request with [`RECORDS`] as lines, compressed.
fn endpoint() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(RECORDS.join("\n").as_bytes()).unwrap();
    let body = encoder.finish().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, mut request) = (stream.unwrap(), [0; 8192]);
            let _short = stream.read(&mut request).unwrap();
            let length = body.len();
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {length}\r\n\
                 connection: close\r\n\r\n"
            );
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(&body).unwrap();
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_compressed_answers_are_written_uncompressed() {
    let any = LocalCluster::start();
    let folder = TempDir::new().unwrap();
    let endpoint = endpoint();
    for (topic, stream) in [("streamed", true), ("polled", false)] {
        let yaml = format!(
            "apiVersion: 0.1.0\nmeta: {{name: packed, type: http-source, topic: {topic}}}\nhttp: {{endpoint: \
             \"http://{endpoint}/\", stream: {stream}}}\n"
        );
        let file = written(folder.path(), &format!("{topic}.yaml"), &yaml);
        let address = any.address.as_str();
        harness::run(&["http-source", path(&file), "--cluster", address, "--once"]);
    }
    let cluster = Cluster::connect(Some(&any.address)).await.unwrap();
    let polled = RECORDS.join("\n");
    for (topic, expected) in [("streamed", &RECORDS[..]), ("polled", &[polled.as_str()])] {
        let found = harness::records(&cluster, topic).await;
        let values = found.iter().map(|record| &record.value[..]);
        assert!(values.eq(expected.iter().map(|value| value.as_bytes())));
    }
}
