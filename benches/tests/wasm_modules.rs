//! The SmartModules as they were built: their memory stays constant, they say byte for byte what
//! the native folds say, and they name a parameter that is wrong.

use std::collections::BTreeSet;

use active_players::ActivePlayersFold;
use benches::memory::{Course, Track};
use benches::{Batch, Chain, WINDOW, batch, modules};
use data_generator::{Event, Topic};
use fraud_alerts::FraudAlertsRules;
use level_engagement::LevelEngagementFold;
use model::fold::SourceRecord;
use model::follow::FactsOf;
use model::{Derivation, Event as _, Fold, Follow, Params};
use player_activity::PlayerActivityFold;
use player_session_summaries::PlayerSessionSummariesFold;
use purchase_summaries::PurchaseSummariesFold;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use revenue::RevenueFold;
use server_alerts::ServerAlertsRule;
use server_health::ServerHealthFold;
use stuck_players::StuckPlayersRule;

#[test]
fn memory_stays_constant() {
    let course = Course {
        different: 3_000,
        warm_up: 30_000,
        events: 300_000,
    };
    let mut track = Track::new(course).expect("batches");
    for (name, wasm) in modules::built().expect("built modules") {
        let params = modules::parameters(&name).expect("its package");
        let pages = track.run(&wasm, &params, course).expect("the module runs");
        assert_eq!(pages.end, pages.warm, "`{name}`: {pages:?}");
    }
}

#[test]
fn native_and_wasm_partials_are_the_same_bytes() {
    let compared = BTreeSet::from([
        compare::<ActivePlayersFold>(),
        compare::<FactsOf<FraudAlertsRules>>(),
        compare::<LevelEngagementFold>(),
        compare::<PlayerActivityFold>(),
        compare::<PlayerSessionSummariesFold>(),
        compare::<PurchaseSummariesFold>(),
        compare::<RevenueFold>(),
        compare::<FactsOf<ServerAlertsRule>>(),
        compare::<ServerHealthFold>(),
        compare::<FactsOf<StuckPlayersRule>>(),
    ]);
    let built: BTreeSet<String> = modules::built()
        .expect("built modules")
        .into_keys()
        .collect();
    assert_eq!(compared, built, "compare each module with its fold");
}

/// Folds the same batches natively and in the engine; the name of what it compared.
fn compare<D: Derivation>() -> String {
    let topic = Topic::ALL
        .into_iter()
        .find(|topic| topic.name() == D::Event::TOPIC);
    let events = batch::events(topic.expect("a source topic"), 4_000, 0.05);
    let params = modules::parameters(D::NAME).expect("its package");
    let mut native = fold::<D>(&params).expect("valid parameters");
    let mut wasm = chain(D::NAME, &params).expect("valid parameters");
    let mut dice = ChaCha8Rng::seed_from_u64(7);
    let (mut rest, mut offset) = (events.as_slice(), 40);
    while !rest.is_empty() {
        let size = 1 + (dice.next_u32() % 400) as usize;
        let (events, later) = rest.split_at(size.min(rest.len()));
        let input = Batch::new(offset, events).expect("a batch").input();
        let mut expected = Vec::new();
        native.batch(records(offset, events), &mut expected);
        let found = wasm.partial(input).expect("a partial");
        assert!(
            found == expected,
            "`{}`: {size} records from offset {offset}",
            D::NAME
        );
        offset += events.len() as i64;
        rest = later;
    }
    D::NAME.to_owned()
}

fn records(offset: i64, events: &[Event]) -> impl Iterator<Item = SourceRecord<'_>> {
    (offset..)
        .zip(events)
        .map(|(offset, event)| SourceRecord::new(offset, Some(event.emitted_ms), &event.value))
}

#[test]
fn a_wrong_parameter_is_named() {
    let modules = modules::built().expect("built modules");
    let wrong: [(&[(&str, &str)], &str); 4] = [
        (&[], "window_ms"),
        (&[("window_ms", "soon")], "window_ms"),
        (&[WINDOW, ("max_skew_ms", "-1")], "max_skew_ms"),
        (&[WINDOW, ("windoow", "1")], "windoow"),
    ];
    // Those of windows take turns: they share this code, and compiling one takes a while.
    let windowed = |name: &&String| {
        let parameters = modules::parameters(name).expect("its package");
        parameters.contains(&WINDOW)
    };
    for (name, (params, parameter)) in modules.keys().filter(windowed).cycle().zip(wrong) {
        let error = chain(name, params).expect_err("refused").to_string();
        assert!(
            error.contains(&format!("`{parameter}`")),
            "`{name}` with {params:?}: {error}"
        );
    }
}

#[test]
fn a_state_machine_takes_no_window_and_names_its_own_wrong_parameter() {
    for (param, said) in [
        (WINDOW, "`window_ms` is unknown"),
        (("silent_s", "0"), "`silent_s` is `0`"),
    ] {
        let error = chain(ServerAlertsRule::NAME, &[param]).expect_err("refused");
        assert!(error.to_string().contains(said), "{error}");
    }
}

#[test]
fn native_and_wasm_refuse_a_parameter_in_the_same_words() {
    let params = [WINDOW, ("unique_transactions", "perhaps")];
    let error = fold::<PurchaseSummariesFold>(&params)
        .err()
        .expect("refused")
        .to_string();
    let wasm = chain(PurchaseSummariesFold::NAME, &params)
        .expect_err("refused")
        .to_string();
    assert!(wasm.contains(&error), "{wasm}, not {error}");
}

fn fold<D: Derivation>(params: &[(&str, &str)]) -> Result<Fold<D>, model::ParamError> {
    let owned = params
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Fold::from_params(&owned.collect::<Params>())
}

fn chain(name: &str, params: &[(&str, &str)]) -> anyhow::Result<Chain> {
    let modules = modules::built()?;
    let wasm = modules
        .get(name)
        .unwrap_or_else(|| panic!("no `{name}` among the modules: run `make wasm`"));
    Chain::start(wasm, params)
}
