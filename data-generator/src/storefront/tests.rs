//! Reads the events of visitors, and finds the odds again.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde_json::Value;

use super::*;
use crate::event::Topic;

const DAY_US: i64 = 86_400_000_000;
const MINUTE_US: i64 = 60_000_000;
/// Midnight of 1 January 2026.
const START_MS: i64 = 1_767_225_600_000;
const DAYS: i64 = 12;

fn events(visitors: u32) -> Vec<(i64, Value)> {
    let settings = Settings {
        seed: 1,
        run: "run".to_owned(),
        start_ms: START_MS,
        players: visitors,
        hard_level: false,
    };
    let storefront = Storefront::new(&settings, Catalogue::built_in());
    let deeds = storefront.take_while(|deed| deed.at_us < DAYS * DAY_US);
    let events = deeds.map(|deed| {
        let event: Value = serde_json::from_slice(&deed.value).expect("JSON");
        assert_eq!(deed.topic, Topic::StoreEvents);
        assert_eq!(event["userId"], deed.key);
        (deed.at_us, event)
    });
    events.collect()
}

fn is(event: &Value, kind: &str, action: Option<&str>) -> bool {
    event["eventType"] == kind && action.is_none_or(|action| event["action"] == action)
}

/// Compares the share `part` / `all` with a percentage, within four standard errors.
fn assert_share(name: &str, part: usize, all: usize, percent: u32) {
    let (expected, found) = (f64::from(percent) / 100.0, part as f64 / all as f64);
    let error = (expected * (1.0 - expected) / all as f64).sqrt();
    assert!(
        (found - expected).abs() < 4.0 * error,
        "{name}: {part} of {all}"
    );
}

fn cents(amount: &Value) -> i64 {
    (amount.as_f64().expect("a number") * 100.0).round() as i64
}

/// The first view, addition to the wishlist, addition to the cart and purchase of a game by a visitor.
type Steps = [Option<i64>; 4];

/// Each step is the earliest after the step before it.
fn funnel(events: &[(i64, Value)]) -> BTreeMap<(String, String), Steps> {
    let mut funnel: BTreeMap<(String, String), Steps> = BTreeMap::new();
    let mut reach = |event: &Value, game: &Value, step: usize, at_us: i64| {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let steps = funnel
            .entry((text(&event["userId"]), text(game)))
            .or_default();
        if steps[step].is_none() && (step == 0 || steps[step - 1].is_some()) {
            steps[step] = Some(at_us);
        }
    };
    for (at_us, event) in events {
        if is(event, "game_page_viewed", None) {
            reach(event, &event["gameId"], 0, *at_us);
        } else if is(event, "wishlist_action", Some("added")) {
            reach(event, &event["gameId"], 1, *at_us);
        } else if is(event, "cart_action", Some("added")) {
            reach(event, &event["gameId"], 2, *at_us);
        } else if is(event, "purchase", None) {
            for bought in event["games"].as_array().expect("games") {
                reach(event, &bought["gameId"], 3, *at_us);
            }
        }
    }
    funnel
}

#[test]
fn the_funnel_has_its_shares() {
    let events = events(150_000);
    let funnel = funnel(&events);
    // A late order is placed within two days.
    let until_us = (DAYS - 3) * DAY_US;
    let old = |steps: &&Steps| steps[0].is_some_and(|at_us| at_us < until_us);
    let reached = |step: usize| {
        let steps = funnel.values().filter(old);
        steps.filter(|steps| steps[step].is_some()).count()
    };
    assert_share("wishlist", reached(1), reached(0), odds::WISHLISTED);
    assert_share("cart", reached(2), reached(1), odds::CARTED);
    assert_share("purchase", reached(3), reached(2), odds::BOUGHT);
    assert!(reached(3) > 2_000, "{}", reached(3));
}

#[test]
fn searches_have_their_shares() {
    let events = events(60_000);
    let mut views: HashMap<&Value, BTreeSet<i64>> = HashMap::new();
    for (at_us, event) in &events {
        if is(event, "game_page_viewed", None) {
            views.entry(&event["userId"]).or_default().insert(*at_us);
        }
    }
    let searches = events.iter().filter(|(at_us, event)| {
        *at_us < (DAYS - 1) * DAY_US && is(event, "search_performed", None)
    });
    let (mut all, mut empty, mut followed) = (0, 0, 0);
    for (at_us, event) in searches {
        all += 1;
        if event["resultsCount"] == 0 {
            empty += 1;
        }
        let within = *at_us..=at_us + 5 * MINUTE_US;
        followed += usize::from(
            views
                .get(&event["userId"])
                .is_some_and(|views| views.range(within).next().is_some()),
        );
    }
    assert_share("zero results", empty, all, odds::ZERO_RESULTS);
    assert_share("followed", followed, all - empty, odds::FOLLOWED);
}

/// The cart of each visitor, recomputed from the views and the cart's events.
#[test]
fn carts_and_orders_add_up() {
    let events = events(60_000);
    let mut prices: HashMap<(&Value, &Value), i64> = HashMap::new();
    let mut carts: HashMap<&Value, (i64, HashMap<&Value, i64>)> = HashMap::new();
    let (mut orders, mut abandoned, mut emptied, mut late) = (HashSet::new(), 0, 0, 0);
    for (at_us, event) in &events {
        let user = &event["userId"];
        let (last_us, cart) = carts.entry(user).or_default();
        if is(event, "game_page_viewed", None) {
            prices.insert((user, &event["gameId"]), cents(&event["salePrice"]));
            continue;
        }
        let is_cart = is(event, "cart_action", None);
        if !cart.is_empty() && is_cart && at_us - *last_us >= 60 * MINUTE_US {
            abandoned += 1;
            cart.clear();
        }
        if is_cart {
            match event["action"].as_str() {
                Some("added") => {
                    _ = cart.insert(&event["gameId"], prices[&(user, &event["gameId"])])
                }
                _ => _ = cart.remove(&event["gameId"]).expect("a game in the cart"),
            }
            emptied += usize::from(cart.is_empty());
            assert_eq!(event["itemsInCart"], cart.len());
            assert_eq!(
                cents(&event["currentCartValue"]),
                cart.values().sum::<i64>(),
                "{event}"
            );
            *last_us = *at_us;
        } else if is(event, "purchase", None) {
            let bought = event["games"].as_array().expect("games");
            let bought = bought
                .iter()
                .map(|game| (&game["gameId"], cents(&game["price"])));
            assert_eq!(bought.collect::<HashMap<_, _>>(), *cart, "{event}");
            assert_eq!(cents(&event["totalAmount"]), cart.values().sum::<i64>());
            assert!(orders.insert(&event["orderId"]), "{event}");
            late += usize::from(at_us - *last_us >= 60 * MINUTE_US);
            cart.clear();
        }
    }
    // Of the visitors who leave a cart, few come back, so the number of abandoned carts is a lower bound.
    assert!(abandoned > 5 && emptied > 100, "{abandoned} {emptied}");
    assert!(orders.len() > 1_000, "{}", orders.len());
    let share = late as f64 / orders.len() as f64;
    assert!((share - 0.1).abs() < 0.04, "{late} of {}", orders.len());
}
