//! Servers with certificates of a test authority, which is trusted only where the configuration names it.

use std::io::{Read, Write};
use std::net::TcpListener;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tempfile::NamedTempFile;
use tokio_tungstenite::tungstenite::{self, Message};

use super::*;
use crate::certificates::certificates;
use crate::outcome::{FetchError, ReadOutcome};
use crate::testing::{config, first_outcome, values, written};

type Stream = StreamOwned<ServerConnection, std::net::TcpStream>;

struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    /// The authority's certificate.
    file: NamedTempFile,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("a certificate");
        let mut file = NamedTempFile::new().expect("a file");
        file.write_all(issuer.pem().as_bytes()).expect("written");
        Self { issuer, file }
    }

    /// Starts a server for `name` on a free port, which runs `answer` on each connection; returns the port.
    fn serve(&self, name: &str, answer: fn(Stream)) -> u16 {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| {
                let chain = vec![certificate.der().clone()];
                builder.with_no_client_auth().with_single_cert(chain, key)
            });
        let config = Arc::new(config.expect("a configuration"));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let connection = ServerConnection::new(Arc::clone(&config)).expect("a connection");
                answer(StreamOwned::new(connection, stream.expect("a stream")));
            }
        });
        port
    }

    /// The lines of a configuration that trusts the authority.
    fn trusted(&self, endpoint: &str) -> String {
        format!(
            "endpoint: {endpoint}\nca-cert: {}",
            self.file.path().display()
        )
    }
}

/// Sends one HTTP response. Ignores errors, because a client that does not trust the server ends the handshake.
fn http(mut stream: Stream) {
    let _request = stream.read(&mut [0; 4096]);
    let _answer = stream
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\nsecret");
    stream.conn.send_close_notify();
    let _flushed = stream.flush();
}

fn web_socket(stream: Stream) {
    if let Ok(mut socket) = tungstenite::accept(stream) {
        let _sent = socket.send(Message::text("secret"));
        while socket.read().is_ok() {}
    }
}

#[tokio::test]
async fn an_authority_that_the_configuration_names_is_trusted() {
    let authority = Authority::new();
    for (scheme, answer) in [("https", http as fn(Stream)), ("wss", web_socket)] {
        let port = authority.serve("localhost", answer);
        let http = authority.trusted(&format!("{scheme}://localhost:{port}/"));
        let (records, counted) = written(config("records", &http), 1).await;
        assert_eq!(
            (values(&records)[0], counted.failures),
            ("secret", 0),
            "{scheme}"
        );
    }
}

#[tokio::test]
async fn the_error_for_an_untrusted_certificate_contains_what_to_do() {
    let (authority, another) = (Authority::new(), Authority::new());
    for (scheme, answer) in [("https", http as fn(Stream)), ("wss", web_socket)] {
        let port = authority.serve("localhost", answer);
        let endpoint = format!("{scheme}://localhost:{port}/");
        let elsewhere = authority.serve("elsewhere.test", answer);
        let misnamed = format!("{scheme}://localhost:{elsewhere}/");
        for (http, expected) in [
            (format!("endpoint: {endpoint}"), "UnknownIssuer"),
            (another.trusted(&endpoint), ""),
            (authority.trusted(&misnamed), "elsewhere.test"),
        ] {
            let outcome = first_outcome(config("records", &http)).await;
            let ReadOutcome::Failed(FetchError::Permanent(reason)) = outcome else {
                panic!("{http}: {outcome:?}");
            };
            assert!(
                reason.contains("certificate") && reason.contains(expected),
                "{http}: {reason}"
            );
            assert!(reason.ends_with(TRUST_HINT), "{http}: {reason}");
        }
    }
}

#[test]
fn certificates_that_cannot_be_used_are_refused() {
    let file = |text: &str| {
        let mut file = NamedTempFile::new().expect("a file");
        file.write_all(text.as_bytes()).expect("written");
        certificates(file.path())
    };
    let authority = Authority::new();
    let good = authority.issuer.pem();
    assert_eq!(
        file(&format!("{good}{good}")).expect("certificates").len(),
        2
    );
    for (text, expected) in [
        (String::new(), "no certificate"),
        (
            KeyPair::generate().expect("a key").serialize_pem(),
            "no certificate",
        ),
        (good.replace("-----END", "----"), "not valid PEM"),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned(),
            "cannot be used",
        ),
    ] {
        let error = file(&text).expect_err(&text);
        assert!(error.contains(expected), "{text}: {error}");
    }
}
