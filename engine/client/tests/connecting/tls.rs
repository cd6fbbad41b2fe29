//! Tests of TLS on one side only, and of certificates that the client or the server does not accept.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use client::{ConnectOptions, Tls, TlsFiles, TlsIdentity};
use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::{assert_contains, failure, fake, plain};

#[tokio::test]
async fn a_cluster_with_tls_and_a_client_without() {
    let authority = Authority::new();
    let error = failure(&plain(&authority.serve(false).await)).await;
    assert_contains(&error, &["it expects TLS", "--tls-ca", "--tls-anonymous"]);
}

#[tokio::test]
async fn a_cluster_without_tls_and_a_client_with() {
    let address = fake::serve(|mut peer, request| async move {
        let versions = fake::versions(request, "0.18.1", &[(1004, 15, 19)]);
        peer.write_all(&versions).await.unwrap();
        std::future::pending::<()>().await;
    });
    let error = failure(&with(&address.await, Tls::Anonymous)).await;
    assert_contains(&error, &["does not use TLS", "tls_policy", "--tls-"]);
}

#[tokio::test]
async fn another_server_and_a_client_with_tls() {
    let silent = fake::serve(|_peer, _request| async {}).await;
    let error = failure(&with(&silent, Tls::Anonymous)).await;
    assert_contains(&error, &["no response to the TLS handshake"]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let http = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut peer, _)) = listener.accept().await {
            peer.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                .await
                .unwrap();
            let mut rest = Vec::new();
            let _ended = tokio::io::AsyncReadExt::read_to_end(&mut peer, &mut rest).await;
        }
    });
    let error = failure(&with(&http, Tls::Anonymous)).await;
    assert_contains(&error, &["does not use TLS"]);
}

#[tokio::test]
async fn certificates_of_another_authority_or_name() {
    let authority = Authority::new();
    let address = authority.serve(false).await;
    let stranger = Authority::new();
    let error = failure(&with(
        &address,
        stranger.verified(None, Some("fluvio.test")),
    ))
    .await;
    assert_contains(&error, &["certificate is not accepted", "--tls-ca"]);
    let error = failure(&with(&address, authority.verified(None, Some("else.test")))).await;
    assert_contains(&error, &["certificate is not accepted", "--tls-domain"]);
    // Without a domain, the certificate must be for the host of the address, 127.0.0.1, but it is for `fluvio.test`.
    let error = failure(&with(&address, authority.verified(None, None))).await;
    assert_contains(&error, &["certificate is not accepted"]);
}

#[tokio::test]
async fn a_cluster_that_requires_a_client_certificate() {
    let authority = Authority::new();
    let address = authority.serve(true).await;
    let without = authority.verified(None, Some("fluvio.test"));
    let error = failure(&with(&address, without)).await;
    assert_contains(&error, &["--tls-cert", "--tls-key"]);
    let (_folder, stranger) = Authority::new().identity();
    let other = authority.verified(Some(stranger), Some("fluvio.test"));
    let error = failure(&with(&address, other)).await;
    assert_contains(&error, &["--tls-cert"]);
}

#[tokio::test]
async fn accepted_connections_reach_the_protocol() {
    let authority = Authority::new();
    let (_folder, identity) = authority.identity();
    let known = authority.verified(Some(identity), Some("fluvio.test"));
    let address = authority.serve(true).await;
    let error = failure(&with(&address, known)).await;
    assert_contains(&error, &["0.8.3", "not compatible"]);
    let address = authority.serve(false).await;
    for tls in [
        Tls::Anonymous,
        authority.verified(None, Some("fluvio.test")),
    ] {
        let error = failure(&with(&address, tls)).await;
        assert_contains(&error, &["0.8.3", "not compatible"]);
    }
}

#[tokio::test]
async fn unusable_files() {
    let authority = Authority::new();
    let (_folder, identity) = authority.identity();
    let missing = PathBuf::from("/no/such/ca.pem");
    let of = |ca: PathBuf, identity| {
        let domain = None;
        with(
            "127.0.0.1:1",
            Tls::Verified(TlsFiles {
                ca,
                identity,
                domain,
            }),
        )
    };
    assert_contains(
        &failure(&of(missing, None)).await,
        &["TLS", "/no/such/ca.pem"],
    );
    let error = failure(&of(identity.key.clone(), None)).await;
    assert_contains(&error, &["key.pem", "contains no certificate"]);
    let swapped = TlsIdentity {
        cert: identity.cert.clone(),
        key: identity.cert.clone(),
    };
    let error = failure(&of(identity.cert, Some(swapped))).await;
    assert_contains(&error, &["cert.pem", "contains no private key"]);
    assert!(!error.is_retryable());
}

fn with(address: &str, tls: Tls) -> ConnectOptions {
    ConnectOptions {
        tls: Some(tls),
        ..plain(address)
    }
}

/// A certificate authority, and the folder that contains its own certificate.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let issuer = CertifiedIssuer::self_signed(params, key).unwrap();
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { issuer, folder }
    }

    fn verified(&self, identity: Option<TlsIdentity>, domain: Option<&str>) -> Tls {
        Tls::Verified(TlsFiles {
            ca: self.folder.path().join("ca.pem"),
            identity,
            domain: domain.map(str::to_owned),
        })
    }

    /// Creates the certificate and key of a client, in files of a folder that is deleted when it is dropped.
    fn identity(&self) -> (TempDir, TlsIdentity) {
        let (cert, key) = self.sign("reader-one");
        let folder = TempDir::new().unwrap();
        let identity = TlsIdentity {
            cert: folder.path().join("cert.pem"),
            key: folder.path().join("key.pem"),
        };
        fs::write(&identity.cert, cert).unwrap();
        fs::write(&identity.key, key).unwrap();
        (folder, identity)
    }

    fn sign(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    /// Starts a server with TLS and returns its address. The server requires a client certificate if `asks` is set.
    /// It reports an old version, so a client that completes the TLS handshake fails with a version error.
    async fn serve(&self, asks: bool) -> String {
        let (cert, key) = self.sign("fluvio.test");
        let chain = vec![CertificateDer::from_pem_slice(cert.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = if asks {
            let mut roots = RootCertStore::empty();
            roots.add(self.issuer.as_ref().der().clone()).unwrap();
            let roots = Arc::new(roots);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build();
            builder.with_client_cert_verifier(verifier.unwrap())
        } else {
            builder.with_no_client_auth()
        };
        let acceptor = TlsAcceptor::from(Arc::new(builder.with_single_cert(chain, key).unwrap()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            while let Ok((peer, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(mut peer) = acceptor.accept(peer).await else {
                        return; // the client reports the reason
                    };
                    let request = fake::request(&mut peer).await.unwrap();
                    let versions = fake::versions(request, "0.8.3", &[(1004, 1, 5)]);
                    peer.write_all(&versions).await.unwrap();
                    std::future::pending::<()>().await;
                });
            }
        });
        address
    }
}
