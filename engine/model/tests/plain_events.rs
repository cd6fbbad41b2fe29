//! The quick test of an event's values accepts only values from which the event can be created.

use model::event::{PlayerEvent, PurchaseEvent, ServerMetric, TypedEvent};
use model::json::{Scanner, Value};
use proptest::prelude::*;
use proptest::sample::select;

/// Values that a field of some event has.
const USUAL: [&str; 7] = [
    r#""player-7""#,
    r#""USD""#,
    r#""CLF""#,
    r#""purchase""#,
    "12.5",
    "7",
    "null",
];

/// Values at and beyond the limits of each kind of field.
const UNUSUAL: [&str; 32] = [
    r#""\u0041""#,
    r#""\ud800""#,
    r#""""#,
    r#""2026-02-30T00:00:00Z""#,
    "0",
    "-0",
    "-0.0",
    "-1",
    "1e2",
    "1E1",
    "0e-5",
    "99.9999995",
    "100",
    "100.0",
    "99.99999999999999999999999",
    "0.0000000000000000000001",
    "9999999.9999996",
    "9999999",
    "86400000",
    "86400001",
    "99999999",
    "99999999.99",
    "99999999.99995",
    "100000000",
    "123456789.5",
    "true",
    "[1]",
    "{}",
    "123",
    "12345678",
    "99",
    "1e-400",
];

const TIME: &str = r#""2026-01-01T00:00:00.000Z""#;

fn value(text: &'static str) -> Option<Value<'static>> {
    Scanner::new(text.as_bytes()).value(1).ok()
}

/// Values of which most are `usual`. The second one is that of the event time.
fn values(usual: &'static [&'static str]) -> impl Strategy<Value = Vec<Option<Value<'static>>>> {
    let long = [256, 257].map(|length| &*format!("\"{}\"", "a".repeat(length)).leak());
    let unusual = [&UNUSUAL[..], &USUAL, &long].concat();
    let field = prop_oneof![
        20 => select(usual).prop_map(value),
        1 => select(unusual).prop_map(value),
        1 => Just(None),
    ];
    prop::collection::vec(field, 11).prop_map(|mut values| {
        values[1] = value(TIME);
        values
    })
}

/// Returns whether the quick test finds that an event can be created.
fn is_plain<'e, E: TypedEvent<'e>>(values: &[Option<Value<'e>>]) -> Result<bool, TestCaseError> {
    let Some(time) = E::time_if_plain(values) else {
        return Ok(false);
    };
    match E::from_values(values) {
        Ok(event) => prop_assert_eq!(event.time(), time),
        Err(rejection) => prop_assert!(false, "{rejection:?} of {values:?}"),
    }
    Ok(true)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn only_valid_values_are_plain(
        ids in values(&USUAL[..1]),
        any in values(&USUAL),
        numbers in prop::collection::vec(select([&UNUSUAL[..], &USUAL].concat()).prop_map(value), 3),
    ) {
        is_plain::<PlayerEvent>(&any)?;
        is_plain::<PlayerEvent>(&ids)?;
        let mut metric = ids.clone();
        metric[3..6].copy_from_slice(&numbers);
        is_plain::<ServerMetric>(&metric)?;
        let mut purchase = ids;
        (purchase[4], purchase[5], purchase[6]) = (value(r#""refund""#), any[5], numbers[0]);
        is_plain::<PurchaseEvent>(&purchase)?;
    }
}

#[test]
fn usual_events_are_plain() -> Result<(), TestCaseError> {
    let mut values = vec![value(USUAL[0]); 11];
    values[1] = value(TIME);
    assert!(is_plain::<PlayerEvent>(&values)?);
    values[2] = None;
    assert!(is_plain::<PlayerEvent>(&values)?);
    (values[4], values[6]) = (value(r#""refund""#), value("99999999.99995"));
    assert!(is_plain::<PurchaseEvent>(&values)?);
    (values[2], values[6]) = (value(USUAL[0]), value(USUAL[0]));
    (values[3], values[4], values[5]) = (value("99.5"), value("7"), value("9999999.99"));
    assert!(is_plain::<ServerMetric>(&values)?);
    values[3] = value("100");
    assert!(!is_plain::<ServerMetric>(&values)?);
    Ok(())
}
