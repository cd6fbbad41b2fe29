//! Tests `multi-platform`.

use crate::rules::testing::{TestAccount, purchase};
use model::derived::{Evidence, FraudRule};

const RULE: FraudRule = FraudRule::MultiPlatform;

/// Returns the start times of the alerts for purchases at these times from these platforms.
fn buys(account: &mut TestAccount, purchases: &[(i64, &str)]) -> Vec<i64> {
    let mut starts = Vec::new();
    for (time, platform) in purchases {
        let bought = purchase(&time.to_string(), "5 USD", platform);
        let alert = account.of(RULE, *time, bought);
        starts.extend(alert.map(|alert| alert.span.start.as_millis()));
    }
    starts
}

#[test]
fn a_second_platform_within_the_minute_fires() {
    let mut account = TestAccount::with(&[]);
    buys(&mut account, &[(0, "PC")]);
    let alert = account.only(RULE, 30_000, purchase("phone", "5.00 USD", "Mobile"));
    assert_eq!(
        alert.reason,
        "purchases from several platforms within 30.000 s: 2 of them (Mobile, PC), more than 1 in 60 s"
    );
    assert_eq!(alert.transaction_ids, ["0", "phone"]);
    assert_eq!(alert.score, 0.75);
    let evidence = Evidence::MultiPlatform {
        platforms: vec!["Mobile".into(), "PC".into()],
        n: 1,
        window_s: 60,
    };
    assert_eq!(alert.evidence, evidence);
}

#[test]
fn just_below_each_threshold_it_does_not_fire() {
    let mut account = TestAccount::with(&[]);
    assert!(buys(&mut account, &[(0, "PC"), (60_000, "Mobile")]).is_empty());
    let mut account = TestAccount::with(&[]);
    assert_eq!(buys(&mut account, &[(0, "PC"), (59_999, "Mobile")]), [0]);
}

#[test]
fn it_fires_again_after_only_one_was_left() {
    let mut account = TestAccount::with(&[]);
    assert_eq!(
        buys(&mut account, &[(0, "PC"), (1, "Mobile"), (2, "PC")]),
        [0]
    );
    assert!(buys(&mut account, &[(60_000, "PC")]).is_empty());
    assert_eq!(buys(&mut account, &[(60_003, "Mobile")]), [60_000]);
}

#[test]
fn a_player_who_moves_from_desk_to_sofa_raises_no_alert() {
    let mut account = TestAccount::with(&[]);
    let purchases: Vec<_> = (0..60)
        .map(|index| (index * 60_000, ["PC", "Console"][index as usize % 2]))
        .collect();
    assert!(buys(&mut account, &purchases).is_empty());
}
