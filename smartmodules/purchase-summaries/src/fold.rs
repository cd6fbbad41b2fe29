//! What was sold and refunded, per item and currency.

use std::collections::BTreeSet;

use model::derived::PurchaseSummary;
use model::event::{PurchaseEvent, TransactionType};
use model::merge::{Distinct, Latest, SortedSet, fingerprint};
use model::{Derivation, Emit, Merge, ParamError, Params, RecordKey, Window, money};
use serde::{Deserialize, Serialize};

/// The derivation of `purchase-summaries`.
#[derive(Clone, Copy, Debug)]
pub struct PurchaseSummariesFold {
    /// Whether a transaction id names one transaction: then a second record with the same content
    /// is a duplicate and counts once. False where ids are drawn from a small space.
    unique_transactions: bool,
}

/// What events contribute to one item and currency.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Sales {
    item_type: Latest<String>,
    /// Every transaction once, where ids are unique.
    transactions: SortedSet<Transaction>,
    /// Their sums, where ids are not.
    totals: Totals,
    buyers: Distinct,
}

/// One transaction: equal content, equal value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Transaction {
    content: u128,
    buyer: u128,
    transaction_type: TransactionType,
    amount_minor: i64,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Totals {
    purchases: u64,
    refunds: u64,
    gross: i128,
    refunded: i128,
}

impl Totals {
    fn add(&mut self, transaction_type: TransactionType, amount_minor: i64) {
        let (count, sum) = match transaction_type {
            TransactionType::Purchase => (&mut self.purchases, &mut self.gross),
            TransactionType::Refund => (&mut self.refunds, &mut self.refunded),
        };
        *count += 1;
        *sum += i128::from(amount_minor);
    }
}

impl Merge for Sales {
    fn merge(&mut self, other: Self) {
        self.item_type.merge(other.item_type);
        self.transactions.merge(other.transactions);
        self.totals.purchases += other.totals.purchases;
        self.totals.refunds += other.totals.refunds;
        self.totals.gross += other.totals.gross;
        self.totals.refunded += other.totals.refunded;
        self.buyers.merge(other.buyers);
    }

    fn settle(&mut self) {
        self.transactions.settle();
        self.buyers.settle();
    }
}

impl Derivation for PurchaseSummariesFold {
    const NAME: &'static str = "purchase-summaries";
    const PARAMETERS: &'static [&'static str] = &["unique_transactions"];
    type Event<'e> = PurchaseEvent<'e>;
    type Partial = Sales;
    type Output = PurchaseSummary;

    fn from_params(params: &Params) -> Result<Self, ParamError> {
        Ok(Self {
            unique_transactions: params.get("unique_transactions", "true or false", true)?,
        })
    }

    fn lift(&self, event: &PurchaseEvent<'_>, out: &mut impl Emit<Sales>) {
        out.emit(
            &[&event.game_id, &event.item_id, &event.currency],
            |sales| {
                sales
                    .item_type
                    .set(event.time, || event.item_type.to_string());
                if self.unique_transactions {
                    sales.transactions.insert(transaction(event));
                    return;
                }
                sales.totals.add(event.transaction_type, event.amount_minor);
                if event.transaction_type == TransactionType::Purchase {
                    sales.buyers.insert(fingerprint(&event.user_id));
                }
            },
        );
    }

    fn duplicates(&self, sales: &mut Sales, events: u64) -> u64 {
        if self.unique_transactions {
            events - sales.transactions.len() as u64
        } else {
            0
        }
    }

    fn finish(&self, _: Window, key: &RecordKey, sales: &Sales) -> Option<PurchaseSummary> {
        let [game_id, item_id, currency] = key.fields()?;
        let (totals, buyers, buyers_error) = if self.unique_transactions {
            let (totals, buyers) = sum(sales.transactions.clone().values());
            (totals, buyers, None)
        } else {
            (sales.totals, sales.buyers.count(), sales.buyers.error())
        };
        Some(PurchaseSummary {
            game_id,
            item_id,
            item_type: sales.item_type.get()?.clone(),
            purchases: totals.purchases,
            refunds: totals.refunds,
            gross: money::format(totals.gross, &currency),
            refunded: money::format(totals.refunded, &currency),
            net: money::format(totals.gross - totals.refunded, &currency),
            buyers,
            buyers_error,
            currency,
        })
    }
}

/// The content of a transaction is every field of its event; those of the key and those kept beside
/// the fingerprint go without saying. The joined key keeps apart where one field ends and the next
/// begins, whatever characters they hold.
fn transaction(event: &PurchaseEvent<'_>) -> Transaction {
    let content = RecordKey::new(&[
        &event.transaction_id,
        &event.item_type,
        &event.user_id,
        &event.platform,
        &event.time.as_millis().to_string(),
    ]);
    Transaction {
        content: fingerprint(content.as_str()),
        buyer: fingerprint(&event.user_id),
        transaction_type: event.transaction_type,
        amount_minor: event.amount_minor,
    }
}

fn sum(transactions: &[Transaction]) -> (Totals, u64) {
    let mut totals = Totals::default();
    let mut buyers = BTreeSet::new();
    for transaction in transactions {
        totals.add(transaction.transaction_type, transaction.amount_minor);
        if transaction.transaction_type == TransactionType::Purchase {
            buyers.insert(transaction.buyer);
        }
    }
    (totals, buyers.len() as u64)
}
