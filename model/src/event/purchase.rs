//! `purchase-events`: money that a player paid or got back.

use std::borrow::Cow;

use super::field::Field;
use super::limits::AMOUNT_MINOR_MAX;
use super::scan::{Section, scan};
use super::{DEFAULT_GAME_ID, Event};
use crate::money;
use crate::reject::{Reason, Rejection};
use crate::time::Timestamp;

/// One transaction of a user.
#[derive(Clone, Debug, PartialEq)]
pub struct PurchaseEvent<'e> {
    /// The game; [`DEFAULT_GAME_ID`] where the event names none.
    pub game_id: Cow<'e, str>,
    /// The transaction.
    pub transaction_id: Cow<'e, str>,
    /// Purchase or refund.
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
    /// When it happened.
    pub time: Timestamp,
}

/// Which way the money went.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub enum TransactionType {
    /// From the user.
    Purchase,
    /// Back to the user.
    Refund,
}

impl<'e> Event<'e> for PurchaseEvent<'e> {
    const TOPIC: &'static str = "purchase-events";

    #[inline]
    fn parse(record: &'e [u8]) -> Result<Self, Rejection> {
        let mut name = Field::absent("event_name");
        let mut time = Field::absent("event_timestamp");
        let mut game_id = Field::absent("parameters.game_id");
        let mut transaction_id = Field::absent("parameters.transaction_id");
        let mut transaction_type = Field::absent("parameters.transaction_type");
        let mut currency = Field::absent("parameters.currency");
        let mut amount = Field::absent("parameters.amount");
        let mut item_id = Field::absent("parameters.item_id");
        let mut item_type = Field::absent("parameters.item_type");
        let mut user_id = Field::absent("user_data.user_id");
        let mut platform = Field::absent("user_data.platform");
        scan(record, |section, key, value| match section {
            Section::Root if key.is("event_name") => name.set(value),
            Section::Root if key.is("event_timestamp") => time.set(value),
            Section::Parameters if key.is("game_id") => game_id.set(value),
            Section::Parameters if key.is("transaction_id") => transaction_id.set(value),
            Section::Parameters if key.is("transaction_type") => transaction_type.set(value),
            Section::Parameters if key.is("currency") => currency.set(value),
            Section::Parameters if key.is("amount") => amount.set(value),
            Section::Parameters if key.is("item_id") => item_id.set(value),
            Section::Parameters if key.is("item_type") => item_type.set(value),
            Section::UserData if key.is("user_id") => user_id.set(value),
            Section::UserData if key.is("platform") => platform.set(value),
            _ => {}
        })?;
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

    #[inline]
    fn time(&self) -> Timestamp {
        self.time
    }
}

fn parse_type(field: &Field<'_>) -> Result<TransactionType, Rejection> {
    match field.id()?.as_ref() {
        "purchase" => Ok(TransactionType::Purchase),
        "refund" => Ok(TransactionType::Refund),
        _ => Err(field.reject(Reason::OutOfRange)),
    }
}
