//! Measures the events per second that pass through Fluvio's engine on one thread for built-in derivations, and for the
//! queries that compute the same measures.

use anyhow::{Context, ensure};
use benches::{Chain, Spread, batch, modules, queries};
use data_generator::Topic;
use dataflow::{DataflowSpec, DerivationSpec, MODULE, Registry};
use model::fold::{self, FoldRequest};

use crate::contest::{Contest, ROUNDS};

/// The claim: a query is at least this many times as fast as the built-in derivation.
const CLAIMED_RATIO: f64 = 0.7;
const DERIVATIONS: [&str; 4] = [
    "level-engagement",
    "active-players",
    "player-activity",
    "server-health",
];
const BATCH: usize = 500;
const EVENTS: usize = 20_000;

/// Prints a table. Fails if a median ratio is below [`CLAIMED_RATIO`].
pub(crate) fn measure() -> anyhow::Result<()> {
    let dataflow = queries::dataflow(&Registry::new(derivations::registrations(), []))?;
    println!(
        "\n{EVENTS} events, batches of {BATCH}, {ROUNDS} rounds; million events/s, median (least–greatest)"
    );
    println!(
        "{:>20} {:>20} {:>20} {:>20}",
        "derivation", "in Rust", "in SQL", "SQL/Rust"
    );
    for name in DERIVATIONS {
        let rounds = contest(&dataflow, name)?;
        let speed = |seconds: fn(&[f64; 2]) -> f64| {
            Spread::of(
                rounds
                    .iter()
                    .map(|round| EVENTS as f64 / seconds(round) / 1e6),
            )
        };
        let ratio = Spread::of(rounds.iter().map(|[built_in, query]| built_in / query));
        println!(
            "{name:>20} {:>20} {:>20} {:>20}",
            speed(|[built_in, _]| *built_in),
            speed(|[_, query]| *query),
            ratio
        );
        ensure!(
            ratio.median >= CLAIMED_RATIO,
            "`{name}` in SQL is {:.2} times as fast as in Rust, not {CLAIMED_RATIO}",
            ratio.median
        );
    }
    Ok(())
}

/// Returns the seconds that the derivation and the query took in each round. A warm-up round is not included.
fn contest(dataflow: &DataflowSpec, name: &str) -> anyhow::Result<Vec<[f64; 2]>> {
    let query = format!("sql-{name}");
    let spec = |name: &str| dataflow.derivations.get(name).context("no such derivation");
    let source = &spec(name)?.from;
    let topic = Topic::TELEMETRY
        .into_iter()
        .find(|topic| topic.name() == source);
    let events = batch::events(topic.context("no such topic")?, EVENTS, 0.0);
    let batches = batch::batches(&events, BATCH)?;
    let start = |module: &str, name: &str, spec: &DerivationSpec| {
        let derivation = name.to_owned();
        let params = spec.param_texts();
        let request = fold::parameters(&[FoldRequest { derivation, params }]);
        Chain::start(&modules::named(module)?, &request)
    };
    let chains = [
        start(source, name, spec(name)?)?,
        start(MODULE, &query, spec(&query)?)?,
    ];
    Contest { batches, chains }.rounds()
}
