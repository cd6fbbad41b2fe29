//! Compares the number of WASM instructions that the SmartModules execute per event with the number stored
//! in `benches/instructions.json`, so that a change that makes a module slower is noticed.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use benches::modules::Params;
use benches::{Counter, batch, modules, queries};
use data_generator::Topic;
use dataflow::{DataflowSpec, DerivationSpec, MODULE, Registry};
use model::fold::{self, FoldRequest};

/// The number of generated events that each module receives, none of them broken.
const EVENTS: usize = 2_000;
/// The number of events in a batch.
const BATCH: usize = 500;

/// The difference in percent up to which a number counts as unchanged. With the same compiler, the number is the same
/// on every machine. Another compiler, or a change elsewhere in the module, changes it slightly.
const MARGIN_PERCENT: f64 = 3.0;

/// If this variable is set, the test stores the numbers instead of comparing them.
const STORE: &str = "STORE_INSTRUCTIONS";

/// The conventional modules that are also measured, with player events.
const CONVENTIONAL: [&str; 2] = ["normalize-events", "valid-events"];

/// Instructions per event, by what is measured: a derivation, all derivations of a source, or a conventional module.
type Numbers = BTreeMap<String, u64>;

#[test]
fn each_module_executes_the_stored_number_of_instructions_per_event() {
    let file = root().join("benches/instructions.json");
    let measured = measured();
    if env::var_os(STORE).is_some() {
        let text = serde_json::to_string_pretty(&measured).expect("JSON");
        fs::write(file, text + "\n").expect("the file can be written");
        return;
    }
    let stored = fs::read_to_string(file).expect("`make instructions` writes the file");
    let stored: Numbers = serde_json::from_str(&stored).expect("instructions by module");
    let problems = problems(&stored, &measured);
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

/// Measures each derivation alone, all derivations of each source together, and the conventional modules. The
/// derivations have the parameters of the dataflow file, and the conventional modules have none.
fn measured() -> Numbers {
    let modules = modules::all().expect("built modules");
    let module = |name: &str| {
        let wasm = modules.get(name);
        wasm.unwrap_or_else(|| panic!("no `{name}` among the modules: run `make wasm`"))
    };
    let batches = Topic::TELEMETRY.map(|topic| (topic.name(), encoded(topic)));
    let batches = BTreeMap::from(batches);
    let counter = Counter::new().expect("an engine");
    let measure = |name: &str, wasm: &str, source: &str, params: &Params| {
        let instructions = counter.count(module(wasm), params, &batches[source]);
        let instructions = instructions.unwrap_or_else(|error| panic!("`{name}`: {error:#}"));
        (name.to_owned(), instructions / EVENTS as u64)
    };
    let dataflow = dataflow();
    let request = |name: &str, derivation: &DerivationSpec| FoldRequest {
        derivation: name.to_owned(),
        params: derivation.param_texts(),
    };
    let derivations = dataflow.derivations.iter().map(|(name, derivation)| {
        let params = fold::parameters(&[request(name, derivation)]);
        let module = match &derivation.sql {
            Some(_) => MODULE,
            None => &derivation.from,
        };
        measure(name, module, &derivation.from, &params)
    });
    let sources = Topic::TELEMETRY.map(Topic::name).into_iter();
    let sources = sources.map(|source| {
        let of_source = dataflow.derivations.iter();
        let of_source = of_source
            .filter(|(_, derivation)| derivation.from == source && derivation.sql.is_none());
        let requests: Vec<_> = of_source.map(|(name, spec)| request(name, spec)).collect();
        let params = fold::parameters(&requests);
        measure(&format!("all of {source}"), source, source, &params)
    });
    let conventional =
        CONVENTIONAL.map(|name| measure(name, name, Topic::PlayerEvents.name(), &Params::new()));
    derivations.chain(sources).chain(conventional).collect()
}

fn encoded(topic: Topic) -> Vec<Vec<u8>> {
    let batches = batch::batches(&batch::events(topic, EVENTS, 0.0), BATCH).expect("batches");
    let encoded = batches.iter().map(|batch| batch.encode().expect("a batch"));
    encoded.collect()
}

fn dataflow() -> DataflowSpec {
    let registry = Registry::new(derivations::registrations(), []);
    let dataflow = queries::dataflow(&registry).expect("a valid dataflow file");
    for name in registry.names() {
        let is_measured = dataflow.derivations.contains_key(name);
        assert!(is_measured, "add `{name}` to dataflow.yaml to measure it");
    }
    dataflow
}

/// Returns the root of the checkout in which the test runs. It is read at run time, because the test may have been
/// built in another checkout.
fn root() -> PathBuf {
    let benches = env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs the tests");
    let root = Path::new(&benches).parent();
    root.expect("the root is one folder above").to_owned()
}

/// Returns a line for each module whose number differs by more than the margin, or that is stored but not measured, or
/// measured but not stored.
fn problems(stored: &Numbers, measured: &Numbers) -> Vec<String> {
    let gone = stored.keys().filter(|name| !measured.contains_key(*name));
    let gone = gone.map(|name| format!("`{name}` is stored but no longer measured: {ADVICE}"));
    let compared = measured.iter().filter_map(|(name, now)| {
        let Some(before) = stored.get(name) else {
            return Some(format!("`{name}`: no number is stored: {ADVICE}"));
        };
        let percent = (*now as f64 - *before as f64) * 100.0 / *before as f64;
        let what = match percent {
            _ if percent > MARGIN_PERCENT => "slower: make it faster, or, if it must be so,",
            _ if percent < -MARGIN_PERCENT => "faster:",
            _ => return None,
        };
        Some(format!(
            "`{name}`: {now} instructions per event, {before} are stored ({percent:+.1} %), {what} {ADVICE}"
        ))
    });
    compared.chain(gone).collect()
}

const ADVICE: &str = "store the new number with `make instructions`";

#[test]
fn a_number_beyond_the_margin_is_a_problem_in_both_directions() {
    let numbers = |now: u64| Numbers::from([("a".to_owned(), now)]);
    let found = |now: u64| problems(&numbers(1_000), &numbers(now));
    for within in [970, 1_000, 1_030] {
        assert!(found(within).is_empty(), "{within}");
    }
    let [slower, faster] = [1_031, 969].map(|now| found(now).join("\n"));
    assert_eq!(
        slower,
        format!(
            "`a`: 1031 instructions per event, 1000 are stored (+3.1 %), \
             slower: make it faster, or, if it must be so, {ADVICE}"
        )
    );
    assert_eq!(
        faster,
        format!("`a`: 969 instructions per event, 1000 are stored (-3.1 %), faster: {ADVICE}")
    );
}

#[test]
fn a_module_on_one_side_only_is_a_problem() {
    let one = Numbers::from([("a".to_owned(), 1)]);
    assert_eq!(
        problems(&Numbers::new(), &one),
        [format!("`a`: no number is stored: {ADVICE}")]
    );
    assert_eq!(
        problems(&one, &Numbers::new()),
        [format!("`a` is stored but no longer measured: {ADVICE}")]
    );
}
