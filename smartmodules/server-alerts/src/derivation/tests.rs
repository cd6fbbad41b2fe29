//! Tests that each condition opens an alert above its threshold and not at the threshold, that alerts close, and
//! that the state survives a restart at any point.

use super::*;

/// One server and its alerts. After each step, the server's state is encoded and decoded as in a snapshot.
struct Run {
    machine: ServerAlertsDerivation,
    server: Server,
    detections: Vec<Detection<ServerAlerts>>,
}

impl Run {
    fn new() -> Self {
        Self::with(&[])
    }

    fn with(params: &[(&str, &str)]) -> Self {
        let params = params.iter().copied().collect();
        Self {
            machine: ServerAlertsDerivation::from_params(&params).expect("parameters"),
            server: Server::default(),
            detections: Vec::new(),
        }
    }

    /// Advances event time to `ms` and fires the timers that are due.
    fn until(&mut self, ms: i64) -> &mut Self {
        let key = RecordKey::new(&["s|1"]);
        while let Some(deadline) = self.machine.timer(&self.server)
            && deadline.as_millis() <= ms
        {
            self.machine
                .on_timer(&key, &mut self.server, deadline, &mut self.detections);
            let next = self.machine.timer(&self.server);
            assert!(
                next.is_none_or(|next| next > deadline),
                "the next timer is later"
            );
            self.restart();
        }
        self
    }

    /// Processes a report with CPU and memory in percent and latency in milliseconds.
    fn report(&mut self, ms: i64, [cpu, memory, latency]: [f64; 3]) -> &mut Self {
        self.until(ms);
        let millionths = |value: f64| (value * 1_000_000.0).round() as i64;
        let event = moment(ms, [cpu, memory, latency].map(millionths));
        let key = RecordKey::new(&["s|1"]);
        self.machine
            .on_event(&key, &mut self.server, event, &mut self.detections);
        self.restart();
        self
    }

    /// Processes one report in the middle of each window, starting with the window `first`.
    fn windows(&mut self, first: i64, readings: &[[f64; 3]]) -> &mut Self {
        for (window, readings) in (first..).zip(readings) {
            self.report(window * 10_000 + 5_000, *readings);
        }
        self
    }

    fn restart(&mut self) {
        let bytes = postcard::to_stdvec(&self.server).expect("a state is written");
        self.server = postcard::from_bytes(&bytes).expect("what was written is read");
    }

    /// Returns for each alert the condition, the times in seconds at which it opened and closed, and the
    /// value.
    fn alerts(&self) -> Vec<(&'static str, f64, Option<f64>, f64)> {
        let alert = |detection: &Detection<ServerAlerts>| {
            let alert = &detection.output;
            let seconds = |time: Timestamp| time.as_millis() as f64 / 1_000.0;
            assert_eq!(detection.revision, u32::from(alert.closed_at.is_some()));
            assert_eq!(detection.span.start, alert.opened_at);
            assert!(detection.span.start < detection.span.end);
            let (opened, closed) = (seconds(alert.opened_at), alert.closed_at.map(seconds));
            (alert.condition.name(), opened, closed, alert.value)
        };
        self.detections.iter().map(alert).collect()
    }
}

fn moment(ms: i64, [cpu_load, memory_usage, latency_ms]: [i64; 3]) -> TimedEvent<Report> {
    TimedEvent {
        time: Timestamp::from_millis(ms),
        partition: 0,
        offset: 0,
        fact: Report {
            cpu_load,
            memory_usage,
            latency_ms,
            region: "eu".into(),
            server_type: "virtual".into(),
        },
    }
}

fn cpu(percent: f64) -> [f64; 3] {
    [percent, 10.0, 10.0]
}

#[test]
fn each_measure_opens_alone_after_two_windows_above() {
    for (name, high, value) in [
        ("cpu", [80.1, 80.0, 250.0], 80.1),
        ("memory", [80.0, 80.1, 250.0], 80.1),
        ("latency", [80.0, 80.0, 250.1], 250.1),
    ] {
        let mut run = Run::new();
        run.windows(0, &[high]).until(15_000);
        assert_eq!(run.alerts(), [], "{name}: one window is noise");
        run.report(15_000, high).until(19_999);
        assert_eq!(run.alerts(), [], "{name}: the second is not over");
        run.until(20_000);
        assert_eq!(run.alerts(), [(name, 20.0, None, value)]);
    }
}

#[test]
fn exactly_at_the_threshold_is_not_above() {
    let mut run = Run::new();
    run.windows(0, &[[80.0, 80.0, 250.0]; 6]).until(60_000);
    assert_eq!(run.alerts(), []);
}

#[test]
fn a_single_bad_reading_among_good_ones_is_noise() {
    let mut run = Run::new();
    for second in 0..60 {
        let bad = second % 10 == 0;
        let reading = if bad {
            [100.0, 100.0, 900.0]
        } else {
            [70.0, 70.0, 200.0]
        };
        run.report(second * 1_000, reading);
    }
    assert_eq!(
        run.alerts(),
        [],
        "a mean of 73 %, and the p95 of ten is the ninth"
    );
}

#[test]
fn it_closes_after_two_windows_below_the_threshold_by_the_margin() {
    let mut run = Run::new();
    let levels = [90.0, 90.0, 75.0, 75.0, 74.9, 75.0, 74.9, 74.9].map(cpu);
    run.windows(0, &levels).until(80_000);
    let opened = ("cpu", 20.0, None, 90.0);
    assert_eq!(run.alerts(), [opened, ("cpu", 20.0, Some(80.0), 74.9)]);
    run.windows(8, &[cpu(90.0), cpu(90.0)]).until(100_000);
    assert_eq!(run.alerts()[2..], [("cpu", 100.0, None, 90.0)]);
}

#[test]
fn the_latency_closes_by_a_margin_of_its_own() {
    let mut run = Run::new();
    let levels = [300.0, 300.0, 225.0, 225.0, 224.9, 224.9].map(|ms| [10.0, 10.0, ms]);
    run.windows(0, &levels).until(60_000);
    let opened = ("latency", 20.0, None, 300.0);
    assert_eq!(run.alerts(), [opened, ("latency", 20.0, Some(60.0), 224.9)]);
}

#[test]
fn readings_around_the_threshold_do_not_flap() {
    let mut run = Run::new();
    for window in 0..200 {
        let percent = if window % 3 == 0 { 79.0 } else { 81.0 };
        run.windows(window, &[cpu(percent)]);
    }
    assert_eq!(run.alerts(), [("cpu", 30.0, None, 81.0)]);
}

#[test]
fn an_empty_window_does_not_separate_those_around_it() {
    let mut run = Run::new();
    run.windows(0, &[cpu(90.0)]).windows(2, &[cpu(90.0)]);
    run.until(30_000);
    assert_eq!(run.alerts(), [("cpu", 30.0, None, 90.0)]);
}

#[test]
fn windows_on_both_sides_of_a_silence_are_not_in_a_row() {
    let mut run = Run::new();
    run.windows(0, &[cpu(90.0)]).windows(4, &[cpu(90.0)]);
    run.until(50_000);
    let silence = [
        ("silent", 35.0, None, 30.0),
        ("silent", 35.0, Some(45.0), 40.0),
    ];
    assert_eq!(run.alerts(), silence);
    run.windows(5, &[cpu(90.0)]).until(60_000);
    assert_eq!(run.alerts()[2..], [("cpu", 60.0, None, 90.0)]);
}

#[test]
fn a_silence_of_exactly_the_allowed_time_raises_no_alert() {
    let mut run = Run::new();
    run.report(0, cpu(10.0)).report(30_000, cpu(10.0));
    run.until(60_000);
    assert_eq!(run.alerts(), []);
    run.until(60_001);
    assert_eq!(
        run.alerts(),
        [("silent", 60.0, None, 30.0)],
        "no server reported"
    );
    run.until(600_000);
    assert_eq!(run.alerts().len(), 1, "once");
    run.report(600_000, cpu(10.0));
    assert_eq!(run.alerts()[1..], [("silent", 60.0, Some(600.0), 570.0)]);
}

#[test]
fn an_alert_outlasts_a_silence() {
    let mut run = Run::new();
    run.windows(0, &[cpu(90.0); 2]).windows(10, &[cpu(10.0); 2]);
    run.until(120_000);
    let alerts = run.alerts();
    assert_eq!(alerts[0], ("cpu", 20.0, None, 90.0));
    assert_eq!(alerts[3..], [("cpu", 20.0, Some(120.0), 10.0)]);
}

#[test]
fn a_forgotten_server_has_no_open_alert_and_no_state() {
    let mut run = Run::new();
    run.windows(0, &[cpu(90.0); 2]).until(615_000);
    assert_eq!(run.alerts().len(), 2, "cpu and silent are open");
    run.until(615_001);
    let closed = [
        ("cpu", 20.0, Some(615.0), 90.0),
        ("silent", 45.0, Some(615.0), 600.0),
    ];
    assert_eq!(run.alerts()[2..], closed);
    assert!(
        run.detections[2..]
            .iter()
            .all(|found| found.output.forgotten)
    );
    assert!(run.machine.is_empty(&run.server));
    assert_eq!(run.machine.timer(&run.server), None);
    run.windows(90, &[cpu(90.0)]).until(910_000);
    assert_eq!(run.alerts().len(), 4, "it starts again");
}

#[test]
fn the_parameters_decide() {
    let mut run = Run::with(&[
        ("window_s", "1"),
        ("consecutive_windows", "1"),
        ("cpu_percent", "50"),
        ("silent_s", "3"),
        ("forget_s", "4"),
    ]);
    run.report(0, cpu(51.0)).until(10_000);
    let expected = [
        ("cpu", 1.0, None, 51.0),
        ("silent", 3.0, None, 3.0),
        ("cpu", 1.0, Some(4.0), 51.0),
        ("silent", 3.0, Some(4.0), 4.0),
    ];
    assert_eq!(run.alerts(), expected);
    assert_eq!(run.detections[0].output.threshold, 50.0);
}

#[test]
fn a_state_stays_small_after_any_number_of_reports() {
    let mut run = Run::new();
    let key = RecordKey::new(&["s|1"]);
    for ms in 0..9_999 {
        // The smallest latency above 0 and the largest possible one occur in one window.
        let latency_ms = if ms % 2 == 0 { 1 } else { 86_400_000_000_000 };
        let event = moment(ms, [50_000_000, 50_000_000, latency_ms]);
        run.machine
            .on_event(&key, &mut run.server, event, &mut run.detections);
    }
    let bytes = postcard::to_stdvec(&run.server).expect("a state is written");
    assert!(bytes.len() < 20_000, "{} bytes", bytes.len());
}
