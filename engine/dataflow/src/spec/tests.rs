//! Tests of dataflow files that are accepted, and of others that are rejected with a helpful message.

mod views;

use std::time::Duration;

use super::*;
use crate::spec::registration::{Registration, Registry};
use crate::testing::CountTicks;

const GOOD: &str = "
sources:
  ticks: { key: key, partitions: 3, retention: 7d }
  others: { key: key }
derivations:
  tick-counts:
    from: ticks
    window: 10s
    lateness: 500ms
    parameters: { step: 2 }
";

fn parse(yaml: &str) -> Result<DataflowSpec, SpecError> {
    DataflowSpec::parse(
        yaml,
        &Registry::new([Registration::windows::<CountTicks>()], []),
    )
}

#[test]
fn reads_a_map_with_its_defaults() {
    let dataflow = parse(GOOD).expect("a good dataflow file");
    let seconds = Duration::from_secs;
    assert_eq!(
        (
            dataflow.sources["ticks"].partitions,
            dataflow.sources["others"].partitions
        ),
        (3, 1)
    );
    assert_eq!(
        dataflow.sources["ticks"].retention,
        Some(seconds(7 * 86_400))
    );
    let spec = &dataflow.derivations["tick-counts"];
    assert_eq!(
        (spec.window, spec.lateness, spec.idle_timeout, spec.max_skew),
        (
            Some(WindowSpec::Tumbling(seconds(10))),
            Duration::from_millis(500),
            seconds(10),
            seconds(300)
        )
    );
    let params: Vec<_> = spec
        .param_texts()
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    assert_eq!(params, ["max_skew_ms=300000", "step=2", "window_ms=10000"]);
}

#[test]
fn errors_name_the_value_and_the_place() {
    for (old, new, message) in [
        (
            "window: 10s",
            "window: ten",
            "`ten` is not a duration such as `10s` or `5m`",
        ),
        ("window: 10s", "windows: 10s", "line 8"),
        (
            "from: ticks",
            "from: tocks",
            "reads from `tocks`, which is not among the sources: others, ticks",
        ),
        ("from: ticks", "from: others", "needs the events of `ticks`"),
        (
            "tick-counts:",
            "tock-counts:",
            "unknown derivation `tock-counts`; known derivations: tick-counts",
        ),
        (
            "step: 2",
            "step: two",
            "line 10: derivation `tick-counts`: parameter `step` is `two`: a whole number is expected",
        ),
        (
            "step: 2",
            "stop: 2",
            "unknown parameter `stop`; known parameters: window_ms, hop_ms, max_skew_ms, step",
        ),
        ("step: 2", "step: [2]", "parameter `step` must be"),
        (
            "window: 10s",
            "window: {gap: 10s}",
            "give it a `window` such as",
        ),
        (
            "window: 10s",
            "window: {size: 10s, hop: 3s}",
            "parameter `hop_ms` is `3000`",
        ),
        ("    window: 10s\n", "", "give it a `window` such as"),
        ("window: 10s", "entries_max: 0", "entries_max` is `0`"),
        (
            "window: 10s",
            "window: 10s\n    rules: tick-rules",
            "`derivations.tick-counts.rules` is `tick-rules`: only derivations that process",
        ),
        ("window: 10s", "window: 0s", "parameter `window_ms` is `0`"),
        (
            "partitions: 3",
            "partitions: 0",
            "line 3: `sources.ticks.partitions` is `0`: 1 to 256 partitions",
        ),
    ] {
        let error = parse(&GOOD.replace(old, new)).expect_err(new).to_string();
        assert!(error.contains(message), "`{new}`: {error}");
        assert!(error.contains("line "), "`{new}`: {error}");
    }
}

/// Asserts for each triple that replacing the first text with the second makes `GOOD` invalid, with an error message
/// that contains the third.
fn assert_refused(replacements: &[(&str, &str, &str)]) {
    for (old, new, message) in replacements {
        let error = parse(&GOOD.replace(old, new)).expect_err(new).to_string();
        assert!(error.contains(message), "`{new}`: {error}");
    }
}

#[test]
fn values_that_a_cluster_would_refuse_are_refused_with_their_line() {
    assert_refused(&[
        (
            "retention: 7d",
            "retention: 1s",
            "line 3: `sources.ticks.retention` is `1s`: whole seconds",
        ),
        (
            "retention: 7d",
            "retention: 10s 1ms",
            "line 3: `sources.ticks.retention` is `10s 1ms`",
        ),
        (
            "retention: 7d",
            "retention: 200y",
            "line 3: `sources.ticks.retention`",
        ),
        (
            "partitions: 3",
            "partitions: 257",
            "line 3: `sources.ticks.partitions` is `257`: 1 to 256",
        ),
        (
            "    from: ticks\n",
            "    from: ticks\n    retention: 0s\n",
            "line 8: `derivations.tick-counts.retention`",
        ),
    ]);
}

#[test]
fn names_that_a_cluster_would_refuse_are_refused_with_their_line() {
    let long = "a".repeat(64);
    assert_refused(&[
        (
            "  others:",
            "  Others:",
            "line 4: `sources.Others` is `Others`: topic names have",
        ),
        ("  others:", &format!("  {long}:"), "line 4: `sources.aaa"),
        (
            "  others:",
            "  late-events:",
            "line 4: `sources.late-events` is `late-events`: this is already the name of one of the runner's \
             own topics",
        ),
        (
            "  others:",
            "  tick-counts:",
            "is `tick-counts`: this is already the name of a source",
        ),
    ]);
}

#[test]
fn what_is_given_twice_and_too_many_partitions_are_refused() {
    let partitions =
        (0..16).map(|number| format!("  more-{number}: {{key: k, partitions: 256}}\n"));
    let partitions = format!("sources:\n{}", partitions.collect::<String>());
    assert_refused(&[
        (
            "  others:",
            "  ticks:",
            "duplicate entry with key \"ticks\"",
        ),
        (
            "    from: ticks\n",
            "    from: ticks\n    from: ticks\n",
            "duplicate entry",
        ),
        (
            "    parameters",
            "  tick-counts:\n    from: ticks\n    window: 5s\n    parameters",
            "duplicate entry with key \"tick-counts\"",
        ),
        ("{ step: 2 }", "{ step: 2, step: 3 }", "duplicate entry"),
        (
            "\nsources:",
            &format!("\n{partitions}"),
            "4101 partitions in total; the limit is 4000",
        ),
    ]);
}

/// Sets every number and every duration of a dataflow file to extreme values. Each file must be accepted, or
/// refused with an error that contains the position in the file.
#[test]
fn extremes_are_read_or_refused_with_their_place() {
    const NUMBERS: [&str; 14] = [
        "-1",
        "0",
        "1",
        "256",
        "1.5",
        "1e30",
        "-1e30",
        "4294967295",
        "4294967296",
        "18446744073709551615",
        "18446744073709551616",
        ".nan",
        ".inf",
        "\"\"",
    ];
    const DURATIONS: [&str; 13] = [
        "0s",
        "1ns",
        "1ms",
        "9s",
        "1y",
        "1000000000y",
        "584942417355y",
        "99999999999999999999s",
        "-1s",
        "1e30s",
        "18446744073709551615s",
        "10",
        "\"\"",
    ];
    let fields = [
        ("partitions: 3", "partitions", &NUMBERS[..]),
        ("retention: 7d", "retention", &DURATIONS),
        ("window: 10s", "window", &DURATIONS),
        ("lateness: 500ms", "lateness", &DURATIONS),
        ("lateness: 500ms", "allowed_lateness", &DURATIONS),
        ("lateness: 500ms", "idle_timeout", &DURATIONS),
        ("lateness: 500ms", "max_skew", &DURATIONS),
        ("lateness: 500ms", "entries_max", &NUMBERS),
        ("lateness: 500ms", "partitions", &NUMBERS),
        ("step: 2", "step", &NUMBERS),
    ];
    for (old, field, values) in fields {
        for value in values {
            check_extreme(&GOOD.replace(old, &format!("{field}: {value}")));
        }
    }
    for size in DURATIONS {
        for hop in DURATIONS {
            let window = format!("window: {{size: {size}, hop: {hop}}}");
            check_extreme(&GOOD.replace("window: 10s", &window));
        }
        check_extreme(&GOOD.replace("window: 10s", &format!("window: {{gap: {size}}}")));
    }
}

fn check_extreme(yaml: &str) {
    match parse(yaml) {
        Ok(dataflow) => {
            let spec = &dataflow.derivations["tick-counts"];
            let far = [
                spec.lateness,
                spec.allowed_lateness,
                spec.idle_timeout,
                spec.max_skew,
            ];
            assert!(far.iter().all(|far| far.as_millis() < 1 << 40), "{yaml}");
            assert!(dataflow.sources["ticks"].partitions <= 256, "{yaml}");
        }
        Err(error) => assert!(error.to_string().contains("line "), "{error}: {yaml}"),
    }
}
