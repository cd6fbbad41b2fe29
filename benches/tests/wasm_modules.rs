//! Tests the built batch modules (`smartmodules/dataflow` and that of each source): their memory stays constant, their
//! partials are byte for byte equal to those of native code, and each error names the invalid parameter.

use std::collections::BTreeMap;

use benches::memory::{EncodedBatches, EventCounts};
use benches::modules::{Pair, Params, request, required};
use benches::{Batch, Chain, WINDOW, batch, modules, queries};
use data_generator::{Event, Topic};
use dataflow::{AnyFold, MODULE, Registration, Registry};
use model::fold::{self, FoldRequest, SourceRecord};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

#[test]
fn memory_stays_constant() {
    let counts = EventCounts {
        different: 3_000,
        warm_up: 30_000,
        events: 300_000,
    };
    let mut batches = EncodedBatches::new(counts).expect("batches");
    for (source, derivations) in by_source() {
        let wasm = modules::named(source).expect("the built module");
        let pages = batches
            .run(&wasm, &request_of(&derivations), counts)
            .expect("the module runs");
        assert_eq!(pages.end, pages.warm, "`{source}`: {pages:?}");
    }
}

#[test]
fn native_and_wasm_partials_are_the_same_bytes() {
    for (source, derivations) in by_source() {
        for module in [source, MODULE] {
            compare(module, source, &derivations);
            compare(module, source, &derivations[..1]);
        }
    }
}

#[test]
fn queries_give_the_same_bytes_natively_and_in_wasm_with_and_without_built_in_derivations() {
    let registry = Registry::new(derivations::registrations(), []);
    let dataflow = queries::dataflow(&registry).expect("a valid dataflow file");
    for source in ["player-events", "server-metrics"] {
        for with_built_in in [false, true] {
            let wanted = dataflow
                .derivations
                .iter()
                .filter(|(_, spec)| spec.from == source && (with_built_in || spec.sql.is_some()));
            let (requests, native): (Vec<_>, Vec<_>) = wanted
                .map(|(name, spec)| {
                    let request = FoldRequest {
                        derivation: name.clone(),
                        params: spec.param_texts(),
                    };
                    let code = registry.code_of(name, spec).expect("code");
                    (
                        request,
                        code.fold(&spec.params()).expect("valid parameters"),
                    )
                })
                .unzip();
            assert!(requests.len() >= if with_built_in { 2 } else { 1 });
            compare_folds(MODULE, source, native, &fold::parameters(&requests));
        }
    }
}

/// Folds the same batches natively and in the engine, and compares the results.
fn compare(module: &str, source: &str, derivations: &[Registration]) {
    let native = |derivation: &Registration| {
        let params = required(derivation).into_iter().collect();
        derivation.fold(&params).expect("valid parameters")
    };
    let native = derivations.iter().map(native).collect();
    compare_folds(module, source, native, &request_of(derivations));
}

fn compare_folds(module: &str, source: &str, mut native: Vec<Box<dyn AnyFold>>, request: &Params) {
    let mut topics = Topic::TELEMETRY.into_iter();
    let topic = topics.find(|topic| topic.name() == source);
    let events = batch::events(topic.expect("a source topic"), 4_000, 0.05);
    let mut wasm = chain(module, request).expect("valid parameters");
    let mut dice = ChaCha8Rng::seed_from_u64(7);
    let (mut rest, mut offset) = (events.as_slice(), 40);
    while !rest.is_empty() {
        let size = 1 + (dice.next_u32() % 400) as usize;
        let (events, later) = rest.split_at(size.min(rest.len()));
        let input = Batch::new(offset, events).expect("a batch").input();
        let found = wasm.partial(input).expect("partials");
        let expected = native_partials(&mut native, offset, events);
        assert!(
            found == expected,
            "`{source}` in `{module}`, {} derivations: {size} records from offset {offset}",
            native.len()
        );
        offset += events.len() as i64;
        rest = later;
    }
}

/// Returns the partials of all folds, each preceded by its length.
fn native_partials(folds: &mut [Box<dyn AnyFold>], offset: i64, events: &[Event]) -> Vec<u8> {
    let mut partials = Vec::new();
    for fold in folds {
        let mut partial = Vec::new();
        fold.batch(&mut records(offset, events), &mut partial);
        partials.extend((partial.len() as u32).to_le_bytes());
        partials.extend(partial);
    }
    partials
}

/// Returns all derivations by their source topic.
fn by_source() -> BTreeMap<&'static str, Vec<Registration>> {
    let mut sources = BTreeMap::<_, Vec<_>>::new();
    for derivation in derivations::registrations() {
        sources
            .entry(derivation.source().expect("a derivation with its own code"))
            .or_default()
            .push(derivation);
    }
    sources
}

fn request_of(derivations: &[Registration]) -> Params {
    let params: Vec<_> = derivations.iter().map(required).collect();
    let names = derivations.iter().map(Registration::name);
    request(names.zip(params.iter().map(Vec::as_slice)))
}

fn records(offset: i64, events: &[Event]) -> impl Iterator<Item = SourceRecord<'_>> {
    (offset..)
        .zip(events)
        .map(|(offset, event)| SourceRecord::new(offset, Some(event.emitted_ms), &event.value))
}

#[test]
fn a_wrong_parameter_is_named() {
    let wrong: [(&str, &[Pair<'_>], &str); 6] = [
        ("level-engagement", &[], "`window_ms`"),
        ("revenue", &[("window_ms", "soon")], "`window_ms`"),
        (
            "server-health",
            &[WINDOW, ("max_skew_ms", "-1")],
            "`max_skew_ms`",
        ),
        ("player-activity", &[WINDOW, ("windoow", "1")], "`windoow`"),
        ("server-alerts", &[WINDOW], "unknown parameter `window_ms`;"),
        ("server-alerts", &[("silent_s", "0")], "`silent_s` is `0`"),
    ];
    for (name, params, expected) in wrong {
        let named = format!("derivation `{name}`: ");
        let derivation = derivations::registration(name).expect("it is listed");
        for module in [MODULE, derivation.source().expect("a source")] {
            let error = refusal(module, &request([(name, params)]));
            assert!(
                error.contains(&named) && error.contains(expected),
                "{error}"
            );
        }
    }
}

#[test]
fn a_request_that_cannot_be_met_is_refused() {
    let params = |pairs: &[Pair<'_>]| -> Params {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    };
    let wrong: [(&[Pair<'_>], &str); 4] = [
        (&[], "`derivations` is missing"),
        (
            &[("derivations", "level-engagment")],
            "`level-engagment` is not a derivation",
        ),
        (
            &[("derivations", "server-alerts,fraud-alerts")],
            "`fraud-alerts` is not a derivation",
        ),
        (
            &[("derivations", "server-alerts"), ("revenue.window_ms", "1")],
            "`revenue.window_ms` belongs to no requested derivation",
        ),
    ];
    for (pairs, expected) in wrong {
        for module in [MODULE, "server-metrics"] {
            let error = refusal(module, &params(pairs));
            assert!(error.contains(expected), "{error}");
        }
    }
}

#[test]
fn the_module_of_a_source_refuses_queries_and_other_sources() {
    let registry = Registry::new(derivations::registrations(), []);
    let dataflow = queries::dataflow(&registry).expect("a valid dataflow file");
    let requests = ["sql-level-engagement", "server-alerts"].map(|name| FoldRequest {
        derivation: name.to_owned(),
        params: dataflow.derivations[name].param_texts(),
    });
    for request in requests {
        let error = refusal(
            "player-events",
            &fold::parameters(std::slice::from_ref(&request)),
        );
        let expected = format!("`{}` is not a derivation", request.derivation);
        assert!(error.contains(&expected), "{error}");
    }
}

#[test]
fn native_and_wasm_refuse_a_parameter_with_the_same_error() {
    let params = [WINDOW, ("unique_transactions", "perhaps")];
    let derivation = derivations::registration("purchase-summaries").expect("it is listed");
    let native = derivation.fold(&params.into_iter().collect());
    let error = native.err().expect("refused").to_string();
    let wasm = refusal(MODULE, &request([("purchase-summaries", &params[..])]));
    assert!(wasm.contains(&error), "{wasm}, not {error}");
}

fn refusal(module: &str, params: &Params) -> String {
    chain(module, params).expect_err("refused").to_string()
}

fn chain(module: &str, params: &Params) -> anyhow::Result<Chain> {
    Chain::start(&modules::named(module)?, params)
}
