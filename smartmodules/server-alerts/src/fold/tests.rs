//! Each condition fires, narrowly does not, and closes; the state survives a restart at any point.

use super::*;

/// One server under the default rules, and what was found. After each step its state goes through
/// the form in which a snapshot keeps it.
struct Run {
    machine: ServerAlertsRule,
    server: Server,
    findings: Vec<Finding<ServerAlert>>,
}

impl Run {
    fn new() -> Self {
        Self::with(&[])
    }

    fn with(params: &[(&str, &str)]) -> Self {
        let params = params.iter().copied().collect();
        Self {
            machine: ServerAlertsRule::from_params(&params).expect("parameters"),
            server: Server::default(),
            findings: Vec::new(),
        }
    }

    /// Event time goes on to `ms`: deadlines are reached.
    fn until(&mut self, ms: i64) -> &mut Self {
        let key = RecordKey::new(&["s|1"]);
        while let Some(deadline) = self.machine.deadline(&self.server)
            && deadline.as_millis() <= ms
        {
            self.machine
                .reach(&key, &mut self.server, deadline, &mut self.findings);
            let next = self.machine.deadline(&self.server);
            assert!(next.is_none_or(|next| next > deadline), "time stands still");
            self.restart();
        }
        self
    }

    /// A report: CPU and memory in percent, latency in milliseconds.
    fn report(&mut self, ms: i64, [cpu, memory, latency]: [f64; 3]) -> &mut Self {
        self.until(ms);
        let millionths = |value: f64| (value * 1_000_000.0).round() as i64;
        let event = moment(ms, [cpu, memory, latency].map(millionths));
        let key = RecordKey::new(&["s|1"]);
        self.machine
            .follow(&key, &mut self.server, event, &mut self.findings);
        self.restart();
        self
    }

    /// One report in the middle of each of the windows from `first` on.
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

    /// Condition, when it opened and closed in seconds, and the value.
    fn said(&self) -> Vec<(&'static str, f64, Option<f64>, f64)> {
        let alert = |finding: &Finding<ServerAlert>| {
            let alert = &finding.output;
            let seconds = |time: Timestamp| time.as_millis() as f64 / 1_000.0;
            assert_eq!(finding.revision, u32::from(alert.closed_at.is_some()));
            assert_eq!(finding.span.start, alert.opened_at);
            assert!(finding.span.start < finding.span.end);
            let (opened, closed) = (seconds(alert.opened_at), alert.closed_at.map(seconds));
            (alert.condition.name(), opened, closed, alert.value)
        };
        self.findings.iter().map(alert).collect()
    }
}

fn moment(ms: i64, [cpu_load, memory_usage, latency_ms]: [i64; 3]) -> Moment<Report> {
    Moment {
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
        assert_eq!(run.said(), [], "{name}: one window is noise");
        run.report(15_000, high).until(19_999);
        assert_eq!(run.said(), [], "{name}: the second is not over");
        run.until(20_000);
        assert_eq!(run.said(), [(name, 20.0, None, value)]);
    }
}

#[test]
fn exactly_at_the_threshold_is_not_above() {
    let mut run = Run::new();
    run.windows(0, &[[80.0, 80.0, 250.0]; 6]).until(60_000);
    assert_eq!(run.said(), []);
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
        run.said(),
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
    assert_eq!(run.said(), [opened, ("cpu", 20.0, Some(80.0), 74.9)]);
    run.windows(8, &[cpu(90.0), cpu(90.0)]).until(100_000);
    assert_eq!(run.said()[2..], [("cpu", 100.0, None, 90.0)]);
}

#[test]
fn the_latency_closes_by_a_margin_of_its_own() {
    let mut run = Run::new();
    let levels = [300.0, 300.0, 225.0, 225.0, 224.9, 224.9].map(|ms| [10.0, 10.0, ms]);
    run.windows(0, &levels).until(60_000);
    let opened = ("latency", 20.0, None, 300.0);
    assert_eq!(run.said(), [opened, ("latency", 20.0, Some(60.0), 224.9)]);
}

#[test]
fn readings_around_the_threshold_do_not_flap() {
    let mut run = Run::new();
    for window in 0..200 {
        let percent = if window % 3 == 0 { 79.0 } else { 81.0 };
        run.windows(window, &[cpu(percent)]);
    }
    assert_eq!(run.said(), [("cpu", 30.0, None, 81.0)]);
}

#[test]
fn an_empty_window_says_nothing_about_those_around_it() {
    let mut run = Run::new();
    run.windows(0, &[cpu(90.0)]).windows(2, &[cpu(90.0)]);
    run.until(30_000);
    assert_eq!(run.said(), [("cpu", 30.0, None, 90.0)]);
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
    assert_eq!(run.said(), silence);
    run.windows(5, &[cpu(90.0)]).until(60_000);
    assert_eq!(run.said()[2..], [("cpu", 60.0, None, 90.0)]);
}

#[test]
fn a_silence_of_exactly_the_time_allowed_is_none() {
    let mut run = Run::new();
    run.report(0, cpu(10.0)).report(30_000, cpu(10.0));
    run.until(60_000);
    assert_eq!(run.said(), []);
    run.until(60_001);
    assert_eq!(
        run.said(),
        [("silent", 60.0, None, 30.0)],
        "nobody sent anything"
    );
    run.until(600_000);
    assert_eq!(run.said().len(), 1, "once");
    run.report(600_000, cpu(10.0));
    assert_eq!(run.said()[1..], [("silent", 60.0, Some(600.0), 570.0)]);
}

#[test]
fn an_alert_outlasts_a_silence() {
    let mut run = Run::new();
    run.windows(0, &[cpu(90.0); 2]).windows(10, &[cpu(10.0); 2]);
    run.until(120_000);
    let said = run.said();
    assert_eq!(said[0], ("cpu", 20.0, None, 90.0));
    assert_eq!(said[3..], [("cpu", 20.0, Some(120.0), 10.0)]);
}

#[test]
fn a_server_that_is_forgotten_leaves_no_alert_open_and_no_state() {
    let mut run = Run::new();
    run.windows(0, &[cpu(90.0); 2]).until(615_000);
    assert_eq!(run.said().len(), 2, "cpu and silent are open");
    run.until(615_001);
    let closed = [
        ("cpu", 20.0, Some(615.0), 90.0),
        ("silent", 45.0, Some(615.0), 600.0),
    ];
    assert_eq!(run.said()[2..], closed);
    assert!(run.findings[2..].iter().all(|found| found.output.forgotten));
    assert!(run.machine.is_spent(&run.server));
    assert_eq!(run.machine.deadline(&run.server), None);
    run.windows(90, &[cpu(90.0)]).until(910_000);
    assert_eq!(run.said().len(), 4, "it begins anew");
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
    assert_eq!(run.said(), expected);
    assert_eq!(run.findings[0].output.threshold, 50.0);
}

#[test]
fn a_state_stays_small_however_much_is_reported() {
    let mut run = Run::new();
    let key = RecordKey::new(&["s|1"]);
    for ms in 0..9_999 {
        // The least and the greatest latency there are, in one window.
        let latency_ms = if ms % 2 == 0 { 1 } else { 86_400_000_000_000 };
        let event = moment(ms, [50_000_000, 50_000_000, latency_ms]);
        run.machine
            .follow(&key, &mut run.server, event, &mut run.findings);
    }
    let bytes = postcard::to_stdvec(&run.server).expect("a state is written");
    assert!(bytes.len() < 20_000, "{} bytes", bytes.len());
}
