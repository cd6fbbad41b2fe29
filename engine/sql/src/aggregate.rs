//! Aggregates: the state of each for one group. Rows are added to a state, and states of parts of the rows can be
//! merged. Neither the order of the rows nor the parts affect the result.

use std::cmp::Ordering;
use std::sync::LazyLock;

use model::Merge;
use model::merge::{Distinct, fingerprint};
use serde::{Deserialize, Serialize};
use sketches_ddsketch::{Config, DDSketch};

use crate::exact;
use crate::float_sum::FloatSum;
use crate::plan::{Aggregate, AggregateKind};
use crate::units::Units;
use crate::value::Value;

/// The state of an aggregate for one group.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum State {
    /// That of an aggregate that shares the state of another one.
    None,
    Count(u64),
    Distinct(Box<Distinct>),
    /// The sum and the number of exact values.
    Sum(ExactSum, u64),
    SumDouble(FloatSum, u64),
    /// The best value so far.
    Extreme(Option<Value<'static>>, Wanted),
    Quantile(Box<DDSketch>),
    /// The sort value of the best row so far, and the argument in that row.
    Arg(Option<(Value<'static>, Value<'static>)>, Wanted),
}

/// Which value of several an aggregate keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Wanted {
    Least,
    Greatest,
}

impl Wanted {
    /// Returns the order of a better value compared with a worse one.
    fn order(self) -> Ordering {
        match self {
            Self::Least => Ordering::Less,
            Self::Greatest => Ordering::Greater,
        }
    }

    /// Returns the better of two doubles, which are not NaN.
    fn of_doubles(self, left: f64, right: f64) -> f64 {
        match self {
            Self::Least => left.min(right),
            Self::Greatest => left.max(right),
        }
    }
}

impl State {
    pub(crate) fn new(aggregate: &Aggregate) -> Self {
        match aggregate.kind {
            _ if aggregate.shares.is_some() => Self::None,
            AggregateKind::Count => Self::Count(0),
            AggregateKind::CountDistinct => Self::Distinct(Box::default()),
            AggregateKind::Sum | AggregateKind::Avg(_) => Self::Sum(ExactSum::default(), 0),
            AggregateKind::SumDouble | AggregateKind::AvgDouble => {
                Self::SumDouble(FloatSum::default(), 0)
            }
            AggregateKind::Min => Self::Extreme(None, Wanted::Least),
            AggregateKind::Max => Self::Extreme(None, Wanted::Greatest),
            AggregateKind::Quantile(_) => Self::Quantile(Box::new(DDSketch::new(*SKETCH))),
            AggregateKind::ArgMin(_) => Self::Arg(None, Wanted::Least),
            AggregateKind::ArgMax(_) => Self::Arg(None, Wanted::Greatest),
        }
    }

    /// Adds a row, whatever its values.
    #[inline]
    pub(crate) fn count_row(&mut self) {
        if let Self::Count(count) = self {
            *count += 1;
        }
    }

    /// Adds a value, which is not NULL.
    pub(crate) fn add(&mut self, value: &Value<'_>) {
        match (self, value) {
            (Self::Count(count), _) => *count += 1,
            (Self::Distinct(set), value) => set.insert(fingerprint(&identity(value))),
            (Self::Sum(sum, count), Value::Exact(units)) => {
                sum.add(units.get());
                *count += 1;
            }
            (Self::SumDouble(sum, count), Value::Double(value)) => {
                sum.add(*value);
                *count += 1;
            }
            (Self::Quantile(sketch), Value::Double(value)) => sketch.add(*value),
            (Self::Extreme(Some(Value::Double(best)), wanted), Value::Double(value)) => {
                *best = wanted.of_doubles(*best, *value);
            }
            (Self::Extreme(best, wanted), value) => replace_if(best, value, *wanted),
            _ => {}
        }
    }

    /// Adds a value of a row that is at this place in the order by which the row with the wanted value is found.
    /// Neither is NULL.
    pub(crate) fn add_at(&mut self, place: &Value<'_>, value: &Value<'_>) {
        if let Self::Arg(best, wanted) = self {
            replace_arg(best, place, value, *wanted);
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        match (self, other) {
            (Self::Count(count), Self::Count(other)) => *count += other,
            (Self::Distinct(set), Self::Distinct(other)) => set.merge(*other),
            (Self::Sum(sum, count), Self::Sum(other, others)) => {
                sum.merge(other);
                *count += others;
            }
            (Self::SumDouble(sum, count), Self::SumDouble(other, others)) => {
                sum.merge(&other);
                *count += others;
            }
            (Self::Quantile(sketch), Self::Quantile(other)) => {
                // Sketches of one configuration always merge.
                let _merged = sketch.merge(&other);
            }
            (Self::Extreme(best, wanted), Self::Extreme(Some(value), _)) => {
                replace_if(best, &value, *wanted)
            }
            (Self::Arg(best, wanted), Self::Arg(Some((place, value)), _)) => {
                replace_arg(best, &place, &value, *wanted)
            }
            _ => {}
        }
    }

    /// Brings the state into the form in which it is encoded.
    pub(crate) fn settle(&mut self) {
        if let Self::Distinct(set) = self {
            set.settle();
        }
    }

    /// Returns the result.
    pub(crate) fn finish(&self, aggregate: &Aggregate) -> Value<'_> {
        match (self, &aggregate.kind) {
            (Self::Count(count), _) => Value::exact(Some(i128::from(*count))),
            (Self::Distinct(set), _) => Value::exact(Some(i128::from(set.count()))),
            (Self::Sum(_, 0), _) | (Self::SumDouble(_, 0), _) => Value::Null,
            (Self::Sum(sum, count), AggregateKind::Avg(scale)) => {
                // One division loses less than two.
                let divisor = 10_f64.powi(i32::from(*scale)) * *count as f64;
                Value::double(sum.to_double() / divisor)
            }
            (Self::Sum(sum, _), _) => Value::exact(sum.value().and_then(exact::in_range)),
            (Self::SumDouble(sum, count), kind) => {
                let divisor = match kind {
                    AggregateKind::AvgDouble => *count as f64,
                    _ => 1.0,
                };
                Value::double(sum.value() / divisor)
            }
            (Self::Quantile(sketch), AggregateKind::Quantile(fraction)) => {
                quantile(sketch, *fraction).map_or(Value::Null, Value::double)
            }
            (Self::Extreme(best, _), _) => {
                best.as_ref().map_or(Value::Null, |value| value.borrowed())
            }
            (Self::Arg(best, _), _) => best
                .as_ref()
                .map_or(Value::Null, |(_, value)| value.borrowed()),
            _ => Value::Null,
        }
    }
}

/// The relative error is 1 %, for values of any size. A configuration is computed with logarithms, so there is one.
static SKETCH: LazyLock<Config> = LazyLock::new(|| Config::new(0.01, 2_048, f64::MIN_POSITIVE));

fn quantile(sketch: &DDSketch, fraction: f64) -> Option<f64> {
    let estimate = sketch.quantile(fraction).ok().flatten()?;
    // The middle of a bin can be outside the range of the values.
    Some(estimate.clamp(sketch.min()?, sketch.max()?))
}

fn replace_if(best: &mut Option<Value<'static>>, value: &Value<'_>, wanted: Wanted) {
    let is_better = |best: &Value<'_>| match best {
        // Most texts are equal, which is found faster than their order.
        Value::Text(_) if value.equals(best) => false,
        _ => value.order(best) == wanted.order(),
    };
    if best.as_ref().is_none_or(is_better) {
        *best = Some(value.clone().into_owned());
    }
}

/// Of several rows at the same place, the least value counts.
fn replace_arg(
    best: &mut Option<(Value<'static>, Value<'static>)>,
    place: &Value<'_>,
    value: &Value<'_>,
    wanted: Wanted,
) {
    let is_better = |(best, best_value): &(Value<'_>, Value<'_>)| match place.order(best) {
        Ordering::Equal => value.order(best_value) == Ordering::Less,
        order => order == wanted.order(),
    };
    if best.as_ref().is_none_or(is_better) {
        *best = Some((place.clone().into_owned(), value.clone().into_owned()));
    }
}

/// A sum of exact numbers, of any size.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct ExactSum {
    /// The sum without the multiples of 2^128 that are counted in `carry`.
    low: Units,
    carry: i64,
}

impl ExactSum {
    fn add(&mut self, units: i128) {
        let (low, overflows) = self.low.get().overflowing_add(units);
        self.low = low.into();
        if overflows {
            self.carry += if units < 0 { -1 } else { 1 };
        }
    }

    fn merge(&mut self, other: Self) {
        self.add(other.low.get());
        self.carry += other.carry;
    }

    fn to_double(self) -> f64 {
        self.carry as f64 * 2_f64.powi(128) + self.low.get() as f64
    }

    /// Returns the sum if it fits into 128 bits.
    fn value(self) -> Option<i128> {
        (self.carry == 0).then_some(self.low.get())
    }
}

/// Returns a text that is different for different values of one type.
fn identity<'a>(value: &'a Value<'_>) -> std::borrow::Cow<'a, str> {
    match value {
        Value::Text(text) => std::borrow::Cow::Borrowed(text),
        other => std::borrow::Cow::Owned(format!("{other:?}")),
    }
}
