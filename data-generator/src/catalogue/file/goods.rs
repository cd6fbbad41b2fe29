//! Parses and checks the parts of the file that all games have in common.

use std::collections::BTreeMap;

use model::money::minor_digits;
use model::worth;
use serde::Deserialize;

use super::place::{Place, Wrong};
use super::prices::Prices;
use super::scalar::{Code, Id, Price, Text, Whole};
use super::{CatalogueFile, WEIGHT_MAX, check_count, check_list};
use crate::catalogue::goods::{Currency, Goods, Region, ServerType, Weighted};

const ENTRIES_MAX: usize = 50;
const ITEMS_MAX: usize = 500;
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PlatformEntry {
    name: Text,
    weight: Weight,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CurrencyEntry {
    code: Code,
    weight: Weight,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ItemEntry {
    pub(super) id: Id,
    pub(super) kind: Id,
    weight: Weight,
    pub(super) prices: BTreeMap<String, Price>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RangeEntry {
    pub(super) from: Id,
    pub(super) to: Id,
    pub(super) weight: Weight,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RegionEntry {
    name: Id,
    latency_ms: Whole<1, 200>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ServerTypeEntry {
    name: Id,
    servers: Whole<1, 100>,
    cpu_noise: Whole<0, 10>,
}

type Weight = Whole<0, WEIGHT_MAX>;

/// Checks and converts everything but the games.
pub(super) fn goods(file: CatalogueFile) -> Result<Goods, Wrong> {
    let CatalogueFile {
        platforms,
        currencies,
        items,
        price_ranges,
        regions,
        server_types,
        games: _,
    } = file;
    let place = Place::of("platforms");
    check_list(&place, &platforms, 2..=ENTRIES_MAX, |entry| &entry.name.0)?;
    check_weights(&place, platforms.iter().map(|entry| entry.weight))?;
    let place = Place::of("currencies");
    check_list(&place, &currencies, 2..=ENTRIES_MAX, |entry| &entry.code.0)?;
    check_weights(&place, currencies.iter().map(|entry| entry.weight))?;
    let place = Place::of("regions");
    check_list(&place, &regions, 1..=ENTRIES_MAX, |entry| &entry.name.0)?;
    let place = Place::of("server_types");
    check_list(&place, &server_types, 1..=ENTRIES_MAX, |entry| {
        &entry.name.0
    })?;
    let currencies: Weighted<Currency> = currencies.into_iter().map(currency).collect();
    let place = Place::of("items");
    check_list(&place, &items, 1..=ITEMS_MAX, |entry| &entry.id.0)?;
    let weights: Vec<u32> = items.iter().map(|item| item.weight.0).collect();
    let prices = Prices::of(currencies.entries(), items)?;
    let fraud_items = prices.fraud_items()?;
    let place = Place::of("price_ranges");
    check_count(&place, price_ranges.len(), 1..=ENTRIES_MAX)?;
    check_weights(&place, price_ranges.iter().map(|entry| entry.weight))?;
    let price_ranges = prices.ranges(&price_ranges, &weights)?;
    Ok(Goods {
        platforms: platforms
            .into_iter()
            .map(|entry| (entry.name.0, entry.weight.0))
            .collect(),
        items: prices.into_items(),
        currencies,
        price_ranges,
        fraud_items,
        regions: regions.into_iter().map(Region::from).collect(),
        server_types: server_types.into_iter().flat_map(each_server).collect(),
    })
}

fn check_weights(place: &Place, mut weights: impl Iterator<Item = Weight>) -> Result<(), Wrong> {
    if weights.all(|weight| weight.0 == 0) {
        return Err(place.wrong("every weight is 0: give at least one above 0"));
    }
    Ok(())
}

fn currency(entry: CurrencyEntry) -> (Currency, u32) {
    let Code(code) = entry.code;
    let minor_digits = minor_digits(&code);
    let hundred = worth::of_hundred_dollars(&code).expect("a code is one with a known value");
    let currency = Currency {
        code,
        minor_digits,
        hundred_dollars: hundred * 10_i128.pow(minor_digits),
    };
    (currency, entry.weight.0)
}

impl From<RegionEntry> for Region {
    fn from(entry: RegionEntry) -> Self {
        Self {
            name: entry.name.0,
            latency_ms: entry.latency_ms.0.into(),
        }
    }
}

fn each_server(entry: ServerTypeEntry) -> impl Iterator<Item = ServerType> {
    let server_type = ServerType {
        name: entry.name.0,
        cpu_noise: entry.cpu_noise.0.into(),
    };
    std::iter::repeat_n(server_type, entry.servers.0 as usize)
}
