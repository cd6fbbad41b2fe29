//! Tests `multi-currency`.

use crate::rules::testing::{TestAccount, purchase, refund};
use model::derived::{Evidence, FraudRule};

const RULE: FraudRule = FraudRule::MultiCurrency;

/// Returns the start times of the alerts for purchases at these times in these currencies.
fn buys(account: &mut TestAccount, purchases: &[(i64, &str)]) -> Vec<i64> {
    let mut starts = Vec::new();
    for (time, currency) in purchases {
        let bought = purchase(&time.to_string(), &format!("5 {currency}"), "PC");
        let alert = account.of(RULE, *time, bought);
        starts.extend(alert.map(|alert| alert.span.start.as_millis()));
    }
    starts
}

#[test]
fn a_second_currency_fires() {
    let mut account = TestAccount::with(&[]);
    assert!(buys(&mut account, &[(0, "USD"), (900_000, "USD")]).is_empty());
    let alert = account.only(RULE, 1_800_000, purchase("eur", "5.00 EUR", "PC"));
    assert_eq!(
        alert.reason,
        "purchases in several currencies within 900.000 s: 2 of them (EUR, USD), more than 1 in 3600 s"
    );
    assert_eq!(alert.transaction_ids, ["900000", "eur"]);
    assert_eq!(alert.score, 0.875);
    let evidence = Evidence::MultiCurrency {
        currencies: vec!["EUR".into(), "USD".into()],
        n: 1,
        window_s: 3_600,
    };
    assert_eq!(alert.evidence, evidence);
}

#[test]
fn just_below_each_threshold_it_does_not_fire() {
    let mut account = TestAccount::with(&[]);
    assert!(buys(&mut account, &[(0, "USD"), (3_600_000, "EUR")]).is_empty());
    let mut account = TestAccount::with(&[]);
    assert_eq!(buys(&mut account, &[(0, "USD"), (3_599_999, "EUR")]), [0]);
    let mut account = TestAccount::with(&[("multi_currency_n", "2")]);
    let three = [(0, "USD"), (1, "EUR"), (2, "USD"), (3, "JPY")];
    assert!(buys(&mut account, &three[..3]).is_empty());
    assert_eq!(buys(&mut account, &three[3..]), [1]);
    let mut account = TestAccount::with(&[]);
    buys(&mut account, &[(0, "USD")]);
    assert!(account.at(1, refund("r", "5 EUR")).is_empty());
}

#[test]
fn it_fires_again_after_only_one_was_left() {
    let mut account = TestAccount::with(&[]);
    let both = [(0, "USD"), (1_000, "EUR"), (2_000, "USD"), (3_000, "EUR")];
    assert_eq!(buys(&mut account, &both), [0]);
    assert!(buys(&mut account, &[(3_600_000, "EUR")]).is_empty());
    // At 3,602,000 ms the last purchase in dollars has left the window, so the next one raises another alert.
    assert_eq!(buys(&mut account, &[(3_602_001, "USD")]), [3_600_000]);
}

#[test]
fn a_heavy_spender_in_one_currency_raises_no_alert() {
    let mut account = TestAccount::with(&[]);
    let times: Vec<_> = (0..150).map(|index| (index * 24_000, "BHD")).collect();
    assert!(buys(&mut account, &times).is_empty());
}
