//! `purchase-events`: purchases and refunds.

use std::borrow::Cow;

use super::field::Field;
use super::layout::Layouts;
use super::limits::AMOUNT_MINOR_MAX;
use super::{DEFAULT_GAME_ID, Event, TypedEvent};
use crate::json::Value;
use crate::money;
use crate::reject::{Reason, Rejection};
use crate::time::Timestamp;

/// One transaction of a user.
#[derive(Clone, Debug, PartialEq)]
pub struct PurchaseEvent<'e> {
    /// The game; [`DEFAULT_GAME_ID`] if the event names none.
    pub game_id: Cow<'e, str>,
    /// The transaction's id.
    pub transaction_id: Cow<'e, str>,
    /// Whether this is a purchase or a refund.
    pub transaction_type: TransactionType,
    /// ISO 4217 code of the currency.
    pub currency: Cow<'e, str>,
    /// The amount in the currency's minor units, ≥ 0.
    pub amount_minor: i64,
    /// The item.
    pub item_id: Cow<'e, str>,
    /// The item's category.
    pub item_type: Cow<'e, str>,
    /// The user who paid.
    pub user_id: Cow<'e, str>,
    /// The user's platform.
    pub platform: Cow<'e, str>,
    /// The event time.
    pub time: Timestamp,
}

/// The two types of transactions.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub enum TransactionType {
    /// The user paid.
    Purchase,
    /// The user got money back.
    Refund,
}

const FIELDS: [&str; 11] = [
    "event_name",
    "event_timestamp",
    "parameters.game_id",
    "parameters.transaction_id",
    "parameters.transaction_type",
    "parameters.currency",
    "parameters.amount",
    "parameters.item_id",
    "parameters.item_type",
    "user_data.user_id",
    "user_data.platform",
];

impl<'e> TypedEvent<'e> for PurchaseEvent<'e> {
    const TOPIC: &'static str = "purchase-events";

    const PATHS: &'static [&'static str] = &FIELDS;

    fn from_values(values: &[Option<Value<'e>>]) -> Result<Self, Rejection> {
        let values = values.first_chunk().unwrap_or(&[None; FIELDS.len()]);
        Self::from_fields(Field::all(values, &FIELDS))
    }

    #[inline]
    fn time_if_plain(values: &[Option<Value<'e>>]) -> Option<Timestamp> {
        let [
            name,
            time,
            game_id,
            transaction_id,
            transaction_type,
            currency,
            amount,
            ids @ ..,
        ] = Field::all(values.first_chunk()?, &FIELDS);
        // The amount has at most four digits after the point.
        let are_plain = name.is_plain_id()
            && game_id.is_plain_optional_id()
            && transaction_id.is_plain_id()
            && parse_type(&transaction_type).is_ok()
            && currency.is_plain_id()
            && amount.is_plain_number(8)
            && ids.iter().all(Field::is_plain_id);
        are_plain.then(|| time.timestamp().ok()).flatten()
    }

    #[inline]
    fn parse_alike(record: &'e [u8], layouts: &mut Layouts) -> Result<Self, Rejection> {
        Field::read(record, &FIELDS, layouts).and_then(Self::from_fields)
    }
}

impl<'e> PurchaseEvent<'e> {
    #[inline(always)]
    fn from_fields(fields: [Field<'e>; FIELDS.len()]) -> Result<Self, Rejection> {
        let [
            name,
            time,
            game_id,
            transaction_id,
            transaction_type,
            currency,
            amount,
            item_id,
            item_type,
            user_id,
            platform,
        ] = fields;
        name.id()?;
        let currency = currency.id()?;
        Ok(Self {
            game_id: game_id
                .optional_id()?
                .unwrap_or(Cow::Borrowed(DEFAULT_GAME_ID)),
            transaction_id: transaction_id.id()?,
            transaction_type: parse_type(&transaction_type)?,
            amount_minor: amount.number(money::minor_digits(&currency), AMOUNT_MINOR_MAX)?,
            currency,
            item_id: item_id.id()?,
            item_type: item_type.id()?,
            user_id: user_id.id()?,
            platform: platform.id()?,
            time: time.timestamp()?,
        })
    }
}

impl Event for PurchaseEvent<'_> {
    #[inline]
    fn time(&self) -> Timestamp {
        self.time
    }

    #[inline]
    fn sender(&self) -> &str {
        &self.user_id
    }
}

fn parse_type(field: &Field<'_>) -> Result<TransactionType, Rejection> {
    match field.id()?.as_ref() {
        "purchase" => Ok(TransactionType::Purchase),
        "refund" => Ok(TransactionType::Refund),
        _ => Err(field.reject(Reason::OutOfRange)),
    }
}
