//! Checks that a flag with an extreme value is refused before anything else is done, with an error that names the flag.
//! Addresses that have no port or are in use must be reported too.

use crate::harness;

#[test]
fn flags_at_their_extremes_are_refused_by_name() {
    const NUMBERS: [&str; 5] = ["-1", "1e30", "18446744073709551616", "NaN", ""];
    const DURATIONS: [&str; 5] = ["-1s", "1e30s", "99999999999999999999s", "10", ""];
    let file = "no-such-file";
    let (set, test) = (["rules", "set", file], ["rules", "test", file]);
    let keys = ["keys", "add", "--keys", file, "--game", "g"];
    let flags: [(&[&str], &str, &[&str]); 14] = [
        (&["generate"], "--rate", &NUMBERS),
        (&["generate"], "--rate", &["0", "inf", "-0"]),
        (&["generate"], "--events", &NUMBERS),
        (&["generate"], "--events", &["18446744073709551615"]),
        (&["generate"], "--broken", &NUMBERS),
        (&["generate"], "--incidents", &NUMBERS),
        (
            &["generate"],
            "--start",
            &["0", "-1", "9999999-01-01T00:00:00Z"],
        ),
        (&["up"], "--idle-timeout", &DURATIONS),
        (&["web-api"], "--idle-timeout", &["0s", "1000000000y"]),
        (&set, "--wait", &DURATIONS),
        (&test, "--last", &DURATIONS),
        (&["consume", "clicks"], "--from-end", &NUMBERS),
        (&["cluster", "status"], "--spus", &NUMBERS),
        (
            &keys,
            "--events-per-second",
            &["0", "-1", "4294967296", "1e30"],
        ),
    ];
    for (command, flag, values) in flags {
        for value in values {
            let set = format!("{flag}={value}");
            let output = harness::try_run(&[command, &[set.as_str()]].concat());
            let error = String::from_utf8_lossy(&output.stderr);
            assert!(
                matches!(output.status.code(), Some(1 | 2)),
                "{set}: {}: {error}",
                output.status
            );
            assert!(error.contains(flag), "{set}: {error}");
        }
    }
}

/// The values are accepted, so the only error is that no cluster runs.
#[test]
fn large_values_that_are_allowed_cause_no_error() {
    let no_cluster = ["--cluster", "127.0.0.1:1"];
    for args in [
        &["generate", "--rate", "1e-300", "--events", "1"][..],
        &["generate", "--rate", "1000000", "--events", "0"],
        &["consume", "clicks", "--from-end", "18446744073709551615"],
    ] {
        let output = harness::try_run(&[args, &no_cluster].concat());
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(error.contains("cannot connect"), "{args:?}: {error}");
    }
}

#[test]
fn an_address_without_a_port_is_refused_with_an_example() {
    for host in ["localhost", "127.0.0.1", "cluster.example"] {
        let output = harness::try_run(&["consume", "clicks", "--cluster", host]);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success());
        let form = "the port is missing; write one after the host, such as `spu-1:9010`";
        assert!(error.contains(form), "{error}");
    }
}

#[test]
fn an_address_in_use_is_reported_once() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = tempfile::TempDir::new().unwrap();
    let data = harness::path(folder.path());
    for flag in ["--cluster-addr", "--spu-addr", "--metrics-addr"] {
        let output = harness::try_run(&["up", "--data-dir", data, flag, &address]);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(error.matches("in use").count(), 1, "{flag}: {error}");
    }
}
