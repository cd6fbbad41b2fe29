//! Tests connections to clusters that require TLS, with subcommands that send every kind of request, and to a cluster
//! whose server is registered under an address that this machine cannot resolve.

mod certificates;
mod front;

use std::fs;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::harness::{BINARY, LocalCluster, path};
use certificates::{Authority, DOMAIN};
use front::Rewriting;

/// The time within which every connection error must be reported, even if a name server does not answer.
const BOUND: Duration = Duration::from_secs(60);

/// The names in the certificates: the name of the cluster, and the name of its server (SPU) 5001. Fluvio's client
/// expects the prefix `custom-spu-5001` in the certificate of the server.
const NAMES: &[&str] = &[DOMAIN, "custom-spu-5001.fluvio.test"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_subcommand_connects_over_tls_with_certificates_of_a_domain_on_both_sides() {
    let (node, authority) = (LocalCluster::start(), Authority::new());
    let address = before(&node, &authority, NAMES, true).await;
    let (ca, cert, key) = (
        authority.file("ca.pem"),
        authority.file("client.pem"),
        authority.file("client-key.pem"),
    );
    let flags = [
        "--cluster",
        &address,
        "--tls-ca",
        path(&ca),
        "--tls-cert",
        path(&cert),
        "--tls-key",
        path(&key),
        "--tls-domain",
        DOMAIN,
    ];
    through_every_subcommand(&flags, &[]);
    // The same values are passed in environment variables.
    let environment = [
        ("GAME_ANALYTICS_CLUSTER", address.as_str()),
        ("GAME_ANALYTICS_TLS_CA", path(&ca)),
        ("GAME_ANALYTICS_TLS_CERT", path(&cert)),
        ("GAME_ANALYTICS_TLS_KEY", path(&key)),
        ("GAME_ANALYTICS_TLS_DOMAIN", DOMAIN),
    ];
    assert_success(&ran(&["cluster", "status"], &environment));
    let refused = ran(&["cluster", "status"], &environment[..2]);
    assert_fails_with(&refused, &["certificate"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_subcommand_connects_over_tls_with_certificates_of_hosts_or_without_verification() {
    let (node, authority) = (LocalCluster::start(), Authority::new());
    let address = before(&node, &authority, &["127.0.0.1"], false).await;
    let ca = authority.file("ca.pem");
    through_every_subcommand(&["--cluster", &address, "--tls-ca", path(&ca)], &[]);
    let anonymous = [
        "cluster",
        "status",
        "--cluster",
        &address,
        "--tls-anonymous",
    ];
    assert_success(&ran(&anonymous, &[]));
    for (word, succeeds) in [("1", true), ("off", false)] {
        let environment = [("GAME_ANALYTICS_TLS_ANONYMOUS", word)];
        let output = ran(&anonymous[..4], &environment);
        assert_eq!(output.status.success(), succeeds, "{word}: {output:?}");
    }
    let plainly = ran(&["cluster", "status", "--cluster", &address], &[]);
    assert_fails_with(&plainly, &["it expects TLS", "--tls-ca"]);
    let crossed = [
        "cluster",
        "status",
        "--cluster",
        &node.address,
        "--tls-anonymous",
    ];
    assert_fails_with(&ran(&crossed, &[]), &["TLS", "tls_policy"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_subcommand_uses_the_active_profile() {
    let (node, authority) = (LocalCluster::start(), Authority::new());
    let address = before(&node, &authority, NAMES, true).await;
    let file = |name: &str| path(&authority.file(name)).to_owned();
    let contents = |name: &str| fs::read_to_string(authority.file(name)).unwrap();
    let files = format!(
        "tls_source = \"files\"\n[cluster.tls.tls.certs]\ndomain = \"{DOMAIN}\"\nkey = \"{}\"\n\
         cert = \"{}\"\nca_cert = \"{}\"\n",
        file("client-key.pem"),
        file("client.pem"),
        file("ca.pem")
    );
    let inline = format!(
        "tls_source = \"inline\"\n[cluster.tls.tls.certs]\ndomain = \"{DOMAIN}\"\nkey = '''{}'''\n\
         cert = '''{}'''\nca_cert = '''{}'''\n",
        contents("client-key.pem"),
        contents("client.pem"),
        contents("ca.pem")
    );
    for (name, certs) in [("files", files), ("inline", inline)] {
        let profile = authority.folder().join(name);
        let text = format!(
            "version = \"2.0\"\ncurrent_profile = \"tls\"\n[profile.tls]\ncluster = \"tls\"\n\
             [cluster.tls]\nendpoint = \"{address}\"\n[cluster.tls.tls]\ntls_policy = \"verified\"\n{certs}"
        );
        fs::write(&profile, text).unwrap();
        through_every_subcommand(&[], &[("FLV_PROFILE_PATH", path(&profile))]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_whose_address_cannot_be_resolved_is_named() {
    let node = LocalCluster::start();
    assert_success(&ran(&["provision", "--cluster", &node.address], &[]));
    let nowhere = Rewriting::of_server(&node.spu_address, "a.invalid:9010");
    let address = front::start(&node.address, None, Some(nowhere)).await;
    for args in [
        &["consume", "player-events", "--beginning"][..],
        &["generate", "--events", "100"],
        &["cluster", "status"],
    ] {
        let begun = Instant::now();
        let output = ran(&[args, &["--cluster", &address]].concat(), &[]);
        assert!(begun.elapsed() < BOUND, "{args:?}: {:?}", begun.elapsed());
        assert_fails_with(
            &output,
            &[
                "a.invalid:9010",
                "cannot be resolved",
                "register-spu --public",
            ],
        );
    }
}

/// Starts a TLS proxy in front of the controller and another in front of the server. The controller's proxy replaces
/// the server's address with the address of the server's proxy. Returns the address of the controller's proxy.
async fn before(
    node: &LocalCluster,
    authority: &Authority,
    names: &[&str],
    asks_clients: bool,
) -> String {
    let tls = || Some(authority.server(names, asks_clients));
    let server = front::start(&node.spu_address, tls(), None).await;
    let rewriting = Rewriting::of_server(&node.spu_address, &server);
    front::start(&node.address, tls(), Some(rewriting)).await
}

/// Runs subcommands that administer, write, ask for offsets, and read both with and without a SmartModule. Each must
/// succeed.
fn through_every_subcommand(cluster: &[&str], environment: &[(&str, &str)]) {
    // Every replay needs new topics, so their names contain the number of the replay.
    static REPLAYS: AtomicUsize = AtomicUsize::new(0);
    let into = format!("again-{}", REPLAYS.fetch_add(1, Ordering::Relaxed));
    let run = |args: &[&str]| {
        let output = ran(&[args, cluster].concat(), environment);
        assert_success(&output);
        String::from_utf8(output.stdout).unwrap()
    };
    run(&["provision"]);
    run(&["cluster", "status"]);
    run(&["generate", "--events", "2000"]);
    let events = run(&["consume", "player-events", "--beginning"]);
    assert!(events.lines().count() > 100, "{events}");
    let replayed = run(&["run", "--from", "beginning", "--into", &into]);
    let replay = format!("level-engagement-{into}: read ");
    assert!(replayed.contains(&replay), "{replayed}");
}

fn ran(args: &[&str], environment: &[(&str, &str)]) -> Output {
    Command::new(BINARY)
        .args(args)
        .env("FLV_PROFILE_PATH", "/no/profile")
        .envs(environment.iter().copied())
        .output()
        .unwrap()
}

fn assert_success(output: &Output) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
}

fn assert_fails_with(output: &Output, words: &[&str]) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "it succeeded: {error}");
    for word in words {
        assert!(error.contains(word), "`{word}` is missing in: {error}");
    }
}
