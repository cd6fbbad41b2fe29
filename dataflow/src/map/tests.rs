//! Maps that are read, and maps that are refused with what is wrong.

use super::*;
use crate::registration::Registration;
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

fn parse(yaml: &str) -> Result<DataflowMap, MapError> {
    DataflowMap::parse(yaml, &Registry::new([Registration::of::<CountTicks>()], []))
}

#[test]
fn reads_a_map_with_its_defaults() {
    let map = parse(GOOD).expect("a good map");
    let seconds = Duration::from_secs;
    assert_eq!(
        (
            map.sources["ticks"].partitions,
            map.sources["others"].partitions
        ),
        (3, 1)
    );
    assert_eq!(map.sources["ticks"].retention, Some(seconds(7 * 86_400)));
    let spec = &map.derivations["tick-counts"];
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
            "`ten` is no duration such as `10s` or `5m`",
        ),
        ("window: 10s", "windows: 10s", "line 8"),
        (
            "from: ticks",
            "from: tocks",
            "reads from `tocks`, which is not among the sources: others, ticks",
        ),
        ("from: ticks", "from: others", "takes the events of `ticks`"),
        (
            "tick-counts:",
            "tock-counts:",
            "derivation `tock-counts` is unknown; known are: tick-counts",
        ),
        (
            "step: 2",
            "step: two",
            "line 10: derivation `tick-counts`: parameter `step` is `two`: a whole number is expected",
        ),
        (
            "step: 2",
            "stop: 2",
            "parameter `stop` is unknown: known are window_ms, hop_ms, max_skew_ms, step",
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
            "`derivations.tick-counts.rules` is `tick-rules`: only derivations that follow",
        ),
        ("window: 10s", "window: 0s", "parameter `window_ms` is `0`"),
        (
            "partitions: 3",
            "partitions: 0",
            "`sources.ticks.partitions` is `0`: 1 to 1024 partitions",
        ),
    ] {
        let error = parse(&GOOD.replace(old, new)).expect_err(new).to_string();
        assert!(error.contains(message), "`{new}` says: {error}");
    }
}
