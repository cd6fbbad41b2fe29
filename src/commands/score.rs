//! `score`: compare the alerts of the cluster with the ground truth about planted incidents.

use std::path::Path;

use anyhow::{Context, bail};
use client::{Cluster, Mode, Partition, Record, Start};
use data_generator::score::{
    self, Alert, AlertTopic, Alerts, Detector, Floors, Levels, Report, Score,
};
use data_generator::{Incident, Subject, Topic};
use futures_util::StreamExt;

use crate::cli::ScoreCommand;
use crate::connect::connect;
use crate::signal;
use crate::terminal::{measured, note, say};

pub(crate) async fn score(args: ScoreCommand) -> anyhow::Result<()> {
    let stop = signal::stop_token()?;
    let incidents = read_truth(&args.truth)?;
    let floors = args.floors.as_deref().map(read_floors).transpose()?;
    let is_level = |incident: &Incident| matches!(incident.subject, Subject::StuckLevel { .. });
    let has_people = incidents.iter().any(is_level);
    let reading = async {
        let cluster = connect(&args.cluster).await?;
        read_alerts(&cluster, has_people).await
    };
    let alerts = tokio::select! {
        alerts = reading => alerts?,
        () = stop.cancelled() => bail!("stopped before all alerts were read; no scores are printed"),
    };
    let report = score::compare(&incidents, &alerts);
    for line in table(&report) {
        say!("{line}");
    }
    if report.not_judged > 0 {
        note(&format!(
            "not judged, outside the period of the truth file: {} alerts",
            report.not_judged
        ));
    }
    let missed = floors.map_or_else(Vec::new, |floors| floors.check(&report));
    if missed.is_empty() {
        return Ok(());
    }
    let lines: Vec<_> = missed.iter().map(ToString::to_string).collect();
    bail!("missed floors:\n{}", lines.join("\n"))
}

fn read_truth(file: &Path) -> anyhow::Result<Vec<Incident>> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("reading `{}`", file.display()))?;
    let lines = (1..)
        .zip(text.lines())
        .filter(|(_, line)| !line.trim().is_empty());
    let incidents = lines.map(|(number, line)| {
        serde_json::from_str(line).with_context(|| {
            let file = file.display();
            format!("`{file}`, line {number} is not an incident: remove it, or write the file with `generate --truth`")
        })
    });
    let incidents: Vec<_> = incidents.collect::<anyhow::Result<_>>()?;
    if incidents.is_empty() {
        bail!(
            "`{}` has no incidents: write it with `generate --incidents PER_HOUR --truth FILE`",
            file.display()
        );
    }
    Ok(incidents)
}

fn read_floors(file: &Path) -> anyhow::Result<Floors> {
    let place = || format!("`{}`", file.display());
    let text = std::fs::read_to_string(file).with_context(place)?;
    Floors::parse(&text).with_context(place)
}

/// Reads the topics with alerts and, if people live in the world, their attempts on levels.
async fn read_alerts(cluster: &Cluster, has_people: bool) -> anyhow::Result<Vec<Alert>> {
    let mut alerts = Alerts::default();
    for topic in AlertTopic::ALL {
        let name = topic.name();
        read(cluster, name, |record| {
            let key = record.key.as_deref().unwrap_or_default();
            let added = alerts.add(topic, key, &record.value);
            added.with_context(|| format!("`{name}`: offset {} is not an alert", record.offset))
        })
        .await?;
    }
    let mut levels = Levels::default();
    if has_people {
        read(cluster, Topic::GameEvents.name(), |record| {
            levels.add(&record.value);
            Ok(())
        })
        .await?;
    }
    let mut alerts = alerts.into_vec();
    alerts.extend(levels.alerts());
    Ok(alerts)
}

/// Reads a topic to its current end.
async fn read(
    cluster: &Cluster,
    topic: &str,
    mut each: impl FnMut(Record) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    for partition in Partition::of(cluster.partition_count(topic).await?) {
        let place = || format!("reading `{topic}-{partition}`");
        let mut records = cluster
            .records(topic, partition, Start::Beginning, Mode::UntilEnd)
            .await?;
        while let Some(record) = records.next().await {
            each(record.with_context(place)?).with_context(place)?;
        }
    }
    Ok(())
}

/// Formats a line for each detector, below a header.
fn table(report: &Report) -> Vec<String> {
    let header = "detector              planted  found  alerts  correct  precision  recall  median_s   p95_s";
    let rows = report
        .scores
        .iter()
        .map(|(detector, score)| row(*detector, score));
    std::iter::once(header.to_owned()).chain(rows).collect()
}

fn row(detector: Detector, score: &Score) -> String {
    format!(
        "{:20}  {:>7}  {:>5}  {:>6}  {:>7}  {:>9}  {:>6}  {:>8}  {:>6}",
        detector.name(),
        score.planted,
        score.found,
        score.alerts,
        score.correct,
        measured(score.precision()),
        measured(score.recall()),
        measured(score.delay_s(50)),
        measured(score.delay_s(95)),
    )
}
