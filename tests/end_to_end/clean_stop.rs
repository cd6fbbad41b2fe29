//! Checks that a clean stop prints no warning and no error, at any moment and for any subcommand.

use std::fs::File;
use std::process::{Command, Stdio};
use std::time::Instant;

use tempfile::TempDir;

use crate::commands::Generator;
use crate::harness::{self, BINARY, LocalCluster, path};

/// The beginnings of the lines of output after which `up` is stopped: while it starts, when it is ready, and later.
const MOMENTS: [&str; 4] = ["cluster: ", "web-api: ", "runner: ", "events in "];

/// Part of the generator's warning that sending takes longer than its rate allows. A busy machine causes it, at any
/// moment, and stopping does not.
const BEHIND: &str = " accepts events more slowly than they are generated";

#[test]
fn up_stops_quietly_at_any_moment() {
    for moment in MOMENTS {
        for signal in ["-INT", "-TERM"] {
            let folder = TempDir::new().unwrap();
            let data = folder.path().join("data");
            assert_quiet(
                &folder,
                &["up", "--rate", "100", "--data-dir", path(&data)],
                moment,
                signal,
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn services_of_a_cluster_stop_quietly() {
    let node = LocalCluster::start();
    harness::run(&["provision", "--cluster", &node.address]);
    for (subcommand, moment) in [
        ("run", "events in "),
        ("web-api", "web-api: "),
        ("dashboard", "dashboard: "),
    ] {
        let folder = TempDir::new().unwrap();
        assert_quiet(
            &folder,
            &[subcommand, "--cluster", &node.address],
            moment,
            "-TERM",
        );
    }
    let generated = Generator::at(&node.address).events(2_000).run();
    assert_eq!(String::from_utf8_lossy(&generated.stderr), "");
}

/// Starts a subcommand, and sends it a signal once it has printed a line that begins with `moment`. Its
/// standard error must contain no warning and no error, except that the machine is too slow for the generator's rate.
fn assert_quiet(folder: &TempDir, args: &[&str], moment: &str, signal: &str) {
    let (out, err) = (folder.path().join("out"), folder.path().join("err"));
    let mut child = Command::new(BINARY)
        .args(args)
        .args(harness::free_port(args))
        .stdin(Stdio::null())
        .stdout(File::create(&out).unwrap())
        .stderr(File::create(&err).unwrap())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + harness::WAIT_MAX;
    let is_printed = || {
        let text = std::fs::read_to_string(&out).unwrap();
        text.lines().any(|line| line.starts_with(moment))
    };
    while !is_printed() {
        assert!(Instant::now() < deadline, "{args:?}: no line `{moment}…`");
        assert!(
            child.try_wait().unwrap().is_none(),
            "{args:?} ended by itself"
        );
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    harness::signal(child.id(), signal);
    let status = child.wait().unwrap();
    let log = std::fs::read_to_string(&err).unwrap();
    let is_bad = |line: &&str| {
        let is_logged = line.contains(" WARN ") || line.contains(" ERROR ");
        is_logged && !line.contains(BEHIND) || line.starts_with("error")
    };
    let bad: Vec<_> = log.lines().filter(is_bad).collect();
    assert!(bad.is_empty(), "{args:?}, {signal} at `{moment}`: {bad:#?}");
    // If `up` is interrupted while it starts, it may exit with a failure code.
    assert!(
        status.success() || moment == MOMENTS[0],
        "{args:?} ended with {status}: {log}"
    );
}
