//! Clusters that are spoken to over TLS, through every door of the binary, and a cluster whose server is registered with
//! an address that is of no use here.

mod certificates;
mod front;

use std::fs;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::harness::{BINARY, LocalCluster, path};
use certificates::{Authority, DOMAIN};
use front::Rewriting;

/// No trouble takes longer to be told, even where a name is asked for at a server that is not there.
const BOUND: Duration = Duration::from_secs(60);

/// Names of the cluster's and, by the engine's rule, of its servers' certificates.
const NAMES: &[&str] = &[DOMAIN, "custom-spu-5001.fluvio.test"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_door_speaks_tls_with_certificates_of_a_domain_on_both_sides() {
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
    through_every_door(&flags, &[]);
    // The same from the environment.
    let environment = [
        ("GAME_ANALYTICS_CLUSTER", address.as_str()),
        ("GAME_ANALYTICS_TLS_CA", path(&ca)),
        ("GAME_ANALYTICS_TLS_CERT", path(&cert)),
        ("GAME_ANALYTICS_TLS_KEY", path(&key)),
        ("GAME_ANALYTICS_TLS_DOMAIN", DOMAIN),
    ];
    good(&ran(&["cluster", "status"], &environment));
    let refused = ran(&["cluster", "status"], &environment[..2]);
    says(&refused, &["certificate"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_door_speaks_tls_with_certificates_of_hosts_or_with_whoever_answers() {
    let (node, authority) = (LocalCluster::start(), Authority::new());
    let address = before(&node, &authority, &["127.0.0.1"], false).await;
    let ca = authority.file("ca.pem");
    through_every_door(&["--cluster", &address, "--tls-ca", path(&ca)], &[]);
    let anonymous = [
        "cluster",
        "status",
        "--cluster",
        &address,
        "--tls-anonymous",
    ];
    good(&ran(&anonymous, &[]));
    for (word, said) in [("1", true), ("off", false)] {
        let environment = [("GAME_ANALYTICS_TLS_ANONYMOUS", word)];
        let output = ran(&anonymous[..4], &environment);
        assert_eq!(output.status.success(), said, "{word}: {output:?}");
    }
    let plainly = ran(&["cluster", "status", "--cluster", &address], &[]);
    says(&plainly, &["it speaks TLS", "--tls-ca"]);
    let crossed = [
        "cluster",
        "status",
        "--cluster",
        &node.address,
        "--tls-anonymous",
    ];
    says(&ran(&crossed, &[]), &["TLS", "tls_policy"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_door_goes_by_the_active_profile() {
    let (node, authority) = (LocalCluster::start(), Authority::new());
    let address = before(&node, &authority, NAMES, true).await;
    let file = |name: &str| path(&authority.file(name)).to_owned();
    let contents = |name: &str| fs::read_to_string(authority.file(name)).unwrap();
    let files = format!(
        "tls_source = \"files\"\n[cluster.tls.tls.certs]\ndomain = \"{DOMAIN}\"\nkey = \"{}\"\ncert = \"{}\"\nca_cert = \"{}\"\n",
        file("client-key.pem"),
        file("client.pem"),
        file("ca.pem")
    );
    let inline = format!(
        "tls_source = \"inline\"\n[cluster.tls.tls.certs]\ndomain = \"{DOMAIN}\"\nkey = '''{}'''\ncert = '''{}'''\nca_cert = '''{}'''\n",
        contents("client-key.pem"),
        contents("client.pem"),
        contents("ca.pem")
    );
    for (name, certs) in [("files", files), ("inline", inline)] {
        let profile = authority.folder().join(name);
        let text = format!(
            "version = \"2.0\"\ncurrent_profile = \"tls\"\n[profile.tls]\ncluster = \"tls\"\n[cluster.tls]\nendpoint = \"{address}\"\n[cluster.tls.tls]\ntls_policy = \"verified\"\n{certs}"
        );
        fs::write(&profile, text).unwrap();
        through_every_door(&[], &[("FLV_PROFILE_PATH", path(&profile))]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_with_an_address_that_is_of_no_use_here_is_named() {
    let node = LocalCluster::start();
    good(&ran(&["provision", "--cluster", &node.address], &[]));
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
        says(
            &output,
            &[
                "a.invalid:9010",
                "cannot be resolved",
                "register-spu --public",
            ],
        );
    }
}

/// A front with TLS before the controller and one before the server, which the first hands out.
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

/// Administers, writes, asks for offsets, reads plainly and through a SmartModule.
fn through_every_door(cluster: &[&str], environment: &[(&str, &str)]) {
    // Every replay writes to topics of its own.
    static REPLAYS: AtomicUsize = AtomicUsize::new(0);
    let into = format!("again-{}", REPLAYS.fetch_add(1, Ordering::Relaxed));
    let good_run = |args: &[&str]| {
        let output = ran(&[args, cluster].concat(), environment);
        good(&output);
        String::from_utf8(output.stdout).unwrap()
    };
    good_run(&["provision"]);
    good_run(&["cluster", "status"]);
    good_run(&["generate", "--events", "2000"]);
    let events = good_run(&["consume", "player-events", "--beginning"]);
    assert!(events.lines().count() > 100, "{events}");
    let replayed = good_run(&["run", "--from", "beginning", "--into", &into]);
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

fn good(output: &Output) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
}

fn says(output: &Output, words: &[&str]) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "it went well: {error}");
    for word in words {
        assert!(error.contains(word), "`{word}` is not in: {error}");
    }
}
