//! Tests the parsing of limits: the amounts of valid texts, and the errors of invalid ones.

use super::*;

fn amounts(text: &str) -> Amounts {
    Amounts::read(text, 500).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Returns the limits of these currencies as decimal strings.
fn texts(text: &str, currencies: &[&str]) -> Vec<String> {
    let amounts = amounts(text);
    let limit = |currency: &&str| amounts.text(currency).unwrap_or("none".into());
    currencies.iter().map(limit).collect()
}

#[test]
fn a_worth_is_about_the_same_in_every_currency() {
    assert_eq!(amounts("worth 500 USD"), Amounts::worth(500));
    assert_eq!(
        texts(
            "worth 500 USD",
            &["USD", "EUR", "JPY", "VND", "KWD", "HUF", "XTS"]
        ),
        [
            "500.00",
            "450.00",
            "75000",
            "13000000",
            "150.000",
            "175000.00",
            "none"
        ]
    );
    assert_eq!(
        texts("worth 0.99 USD", &["USD", "EUR", "JPY", "BHD"]),
        ["0.99", "0.90", "149", "0.377"],
        "the least amount not below it"
    );
}

#[test]
fn what_is_not_named_has_the_default_unless_the_text_says_what_it_has() {
    let asked = ["USD", "JPY", "BHD", "XTS"];
    let cases = [
        ("JPY 60000", ["500.00", "60000", "190.000", "none"]),
        ("JPY none, XTS 7", ["500.00", "none", "190.000", "7.00"]),
        (
            "worth 300 USD,BHD 100",
            ["300.00", "45000", "100.000", "none"],
        ),
        (
            "USD 500.00, JPY 75000, others none",
            ["500.00", "75000", "none", "none"],
        ),
        (
            "others 250.5, USD none",
            ["none", "251", "250.500", "250.50"],
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(texts(text, &asked), expected, "{text}");
    }
}

#[test]
fn a_figure_alone_is_one_for_every_currency() {
    let asked = ["USD", "JPY", "KWD", "XTS"];
    assert_eq!(
        texts("500.00", &asked),
        ["500.00", "500", "500.000", "500.00"]
    );
    assert_eq!(
        texts("500.00 JPY=75000", &asked),
        ["500.00", "75000", "500.000", "500.00"]
    );
}

#[test]
fn codes_in_small_letters_are_the_same_currencies() {
    assert_eq!(amounts("usd 7"), amounts("USD 7"));
    // In an event, `jpy` has two minor digits, because `minor_digits` lists only upper-case codes.
    assert_eq!(texts("JPY 75000", &["jpy", "Eur"]), ["75000.00", "450.00"]);
}

#[test]
fn what_is_wrong_is_named() {
    let wrong = [
        ("", "`` is not an entry"),
        ("0", "`0` in `others 0`"),
        ("500 USD", "`500 USD` is not an entry"),
        ("USD", "`USD` is not an entry"),
        ("USD 5,", "`` is not an entry"),
        ("USD 5; EUR 5", "`USD 5; EUR 5` is not an entry"),
        ("USD 5, EUR=5", "`EUR=5` is not an entry"),
        ("USD 5, EUR -3", "`-3` in `EUR -3` is not an amount"),
        ("USD 5, EUR 0", "`0` in `EUR 0`"),
        (
            "JPY 600.5",
            "`600.5` in `JPY 600.5` is not an amount: write a plain number above 0 and up to 100000000000 with at most \
             0 decimals",
        ),
        ("USD 1.999", "with at most 2 decimals"),
        ("BHD 1.9999", "with at most 3 decimals"),
        ("jpy 1.5", "with at most 0 decimals"),
        ("USD 1e3", "`1e3` in `USD 1e3`"),
        ("USD 5.", "`5.` in `USD 5.`"),
        ("USD .5", "`.5` in `USD .5`"),
        ("USD many", "`many` in `USD many`"),
        ("USD ٣", "`٣` in `USD ٣`"),
        ("USD 99999999999999999999", "`99999999999999999999` in"),
        ("USD 5, EUR 5, USD 6", "`USD 6` repeats another entry"),
        ("USD 5, usd none", "`usd none` repeats another entry"),
        (
            "worth 5 USD, others none",
            "`others none` repeats another entry",
        ),
        (
            "worth 5 EUR",
            "`worth 5 EUR` is not an amount in US dollars: write one",
        ),
        ("worth 5", "`worth 5` is not an amount in US dollars"),
        ("worth none USD", "`none` in `worth none USD`"),
        ("others", "`others` is not an entry"),
        ("5 USD=1 USD=2", "`USD 2` repeats another entry"),
        ("5 USD=0", "`0` in `USD 0`"),
        ("5 =1", "`1` is not an entry"),
    ];
    for (text, message) in wrong {
        let error = Amounts::read(text, 500).expect_err(text);
        assert!(error.contains(message), "`{text}`: {error}");
    }
}

#[test]
fn amounts_exceed_others_where_both_are_known() {
    let exceeds = |one: &str, two: &str| amounts(one).exceeds(&amounts(two));
    assert_eq!(exceeds("worth 1 USD", "worth 50 USD"), None);
    assert_eq!(
        exceeds("worth 51 USD", "worth 50 USD"),
        Some("others".into())
    );
    assert_eq!(
        exceeds("worth 1 USD, JPY 8000", "worth 50 USD"),
        Some("JPY".into())
    );
    assert_eq!(
        exceeds("worth 1 USD", "worth 50 USD, JPY 149"),
        Some("JPY".into())
    );
    assert_eq!(
        exceeds("worth 1 USD, JPY 9", "worth 50 USD, JPY none"),
        None
    );
    assert_eq!(exceeds("50.01", "50"), Some("others".into()));
    assert_eq!(exceeds("worth 1 USD", "60.00"), None, "not comparable");
}
