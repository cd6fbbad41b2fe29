//! A query as a value: what is read, computed and returned. Names and types are resolved, so evaluation cannot fail.

use std::cmp::Ordering;

use model::{Timestamp, Window};
use serde::{Deserialize, Serialize};

use crate::functions::Function;
use crate::numbers::Numbers;
use crate::table::Table;
use crate::types::SqlType;
use crate::value::Value;

/// The names of a window's bounds, which are columns of every result with windows.
pub(crate) const BOUNDS: [&str; 2] = ["window_start", "window_end"];

/// A query over the records of one source.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// The name of the source.
    pub source: String,
    /// The number of the list column whose elements become rows of their own; `None` without `unnest`.
    pub(crate) unnest: Option<usize>,
    /// Rows for which this is not true are left out.
    pub(crate) filter: Option<Expr>,
    /// How rows are grouped in time.
    pub window: WindowPlan,
    /// The expressions by which rows are grouped: those of `GROUP BY`, or with a join what it needs of them.
    pub(crate) keys: Vec<Key>,
    /// The join with a table, after which groups are grouped again; `None` without `JOIN`.
    pub join: Option<Join>,
    /// The aggregates that the query uses, each once.
    pub(crate) aggregates: Vec<Aggregate>,
    /// The columns of the result. Their expressions are over *group rows*: the values of `GROUP BY`, the start and the
    /// end of the window, the aggregates, and the rank.
    pub outputs: Vec<Output>,
    /// Groups for which this is not true are left out.
    pub(crate) having: Option<Expr>,
    /// The order of the rows within a window.
    pub(crate) order: Vec<OrderBy>,
    /// The largest number of rows of a window.
    pub(crate) limit: Option<u64>,
}

/// The part of a plan that needs the table. Its expressions are over *joined rows*: the columns of the table, then the
/// keys of the plan.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Join {
    /// The table.
    pub table: Table,
    /// Whether groups without a row in the table are left out; otherwise the table's columns are NULL.
    pub(crate) is_inner: bool,
    /// The number of the plan's key that is looked up in the table.
    pub(crate) lookup: usize,
    /// Groups for which this is not true are left out.
    pub(crate) filter: Option<Expr>,
    /// The expressions of `GROUP BY`.
    pub(crate) keys: Vec<Key>,
}

/// How rows are grouped in time. Durations are in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WindowPlan {
    /// Not at all: there is one group for all times.
    None,
    /// In windows of `size_ms` that begin every `slide_ms`. In tumbling windows, both are equal.
    Hopping {
        /// The time from the start of a window to the start of the next.
        slide_ms: i64,
        /// The length of a window, a multiple of the slide.
        size_ms: i64,
    },
    /// In sessions: a session of a key ends when the key has no event for longer than this time.
    Session {
        /// The longest time between two events of a session.
        gap_ms: i64,
    },
}

impl WindowPlan {
    /// Returns the start of the window that contains `time` and begins last; `time` itself if windows do not begin at
    /// fixed times.
    pub fn start_of(self, time: Timestamp) -> Timestamp {
        match self {
            Self::Hopping { slide_ms, .. } => Window::tumbling(time, slide_ms).start,
            Self::None | Self::Session { .. } => time,
        }
    }
}

impl Plan {
    /// Returns the expressions of `GROUP BY`.
    pub(crate) fn group_keys(&self) -> &[Key] {
        self.join.as_ref().map_or(&self.keys, |join| &join.keys)
    }

    /// Returns the columns of the result without the bounds of the window, which every row of a derived topic has.
    pub fn columns(&self) -> impl Iterator<Item = &Output> {
        let keys = self.group_keys().len();
        let bounds = [keys, keys + 1];
        let is_bound = move |output: &&Output| {
            let named = BOUNDS
                .iter()
                .position(|bound| output.name.eq_ignore_ascii_case(bound));
            named.is_some_and(|bound| output.expr == Expr::Column(bounds[bound]))
        };
        self.outputs.iter().filter(move |output| !is_bound(output))
    }
}

impl Plan {
    /// Compares two group rows of a window: by `ORDER BY`, then by the keys.
    pub(crate) fn compare(&self, left: &[Value<'_>], right: &[Value<'_>]) -> Ordering {
        let by_order = self.order.iter().map(|order| order.compare(left, right));
        let keys = left.iter().zip(right).take(self.group_keys().len());
        let by_key = keys.map(|(left, right)| left.order(right));
        let mut orders = by_order.chain(by_key);
        orders
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }

    /// Returns whether a column is a count or a sum, so that the sum of its values in several rows of a window is the
    /// value of the events of all these rows.
    pub fn is_additive(&self, output: &Output) -> bool {
        let Expr::Column(column) = output.expr else {
            return false;
        };
        let aggregate = column.checked_sub(self.group_keys().len() + BOUNDS.len());
        let aggregate = aggregate.and_then(|index| self.aggregates.get(index));
        aggregate.is_some_and(|aggregate| {
            use AggregateKind::{Count, Sum, SumDouble};
            matches!(aggregate.kind, Count | Sum | SumDouble)
        })
    }
}

/// An expression of `GROUP BY`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Key {
    pub(crate) expr: Expr,
    pub(crate) ty: SqlType,
}

/// A column of the result.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Output {
    /// The name.
    pub name: String,
    /// The type.
    pub ty: SqlType,
    pub(crate) expr: Expr,
}

/// An expression of `ORDER BY`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct OrderBy {
    pub(crate) expr: Expr,
    pub(crate) descending: bool,
    pub(crate) nulls_first: bool,
}

impl OrderBy {
    /// Compares two group rows.
    pub(crate) fn compare(&self, left: &[Value<'_>], right: &[Value<'_>]) -> Ordering {
        let (left, right) = (self.expr.eval(left), self.expr.eval(right));
        let order = left.order(&right);
        let reverses = if left.is_null() || right.is_null() {
            self.nulls_first
        } else {
            self.descending
        };
        if reverses { order.reverse() } else { order }
    }
}

/// An aggregate over the rows of a group.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Aggregate {
    pub(crate) kind: AggregateKind,
    /// The first argument; `None` in `count(*)`.
    pub(crate) argument: Option<Expr>,
    pub(crate) ty: SqlType,
    /// Rows for which this is not true are left out.
    pub(crate) filter: Option<Expr>,
    /// The number of an earlier aggregate from whose state this one is computed too, so that it needs none of its own.
    pub(crate) shares: Option<usize>,
}

#[cfg(feature = "planner")]
impl Aggregate {
    /// Returns whether two aggregates are the same.
    pub(crate) fn equals(&self, other: &Self) -> bool {
        self.kind == other.kind && self.has_rows_of(other)
    }

    /// Returns whether an aggregate can be computed from the state of another one: both are fractions of the same
    /// values.
    pub(crate) fn can_share(&self, other: &Self) -> bool {
        let are_quantiles = matches!(
            (&self.kind, &other.kind),
            (AggregateKind::Quantile(_), AggregateKind::Quantile(_))
        );
        are_quantiles && self.has_rows_of(other)
    }

    fn has_rows_of(&self, other: &Self) -> bool {
        self.argument == other.argument && self.filter == other.filter
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum AggregateKind {
    Count,
    CountDistinct,
    /// The sum of exact numbers.
    Sum,
    SumDouble,
    /// The average of exact numbers with this scale.
    Avg(u8),
    AvgDouble,
    Min,
    Max,
    /// The value at this fraction of all values in ascending order.
    Quantile(f64),
    /// The argument in the row in which the other expression is least, or greatest.
    ArgMin(Expr),
    ArgMax(Expr),
}

/// An expression over the columns of a row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Expr {
    /// A column of the row, by number.
    Column(usize),
    Literal(Literal),
    Not(Box<Expr>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    /// Compares two values of the same type.
    Compare(Comparison, Box<Expr>, Box<Expr>),
    /// Whether the value is NULL.
    IsNull(Box<Expr>),
    /// Whether a condition has this truth value, where `None` is unknown.
    IsTruth(Box<Expr>, Option<bool>),
    /// Whether two values differ, where NULL is a value like any other.
    IsDistinct(Box<Expr>, Box<Expr>),
    In(Box<Expr>, Vec<Expr>),
    Like {
        text: Box<Expr>,
        pattern: Box<Expr>,
        escape: Option<char>,
        ignore_case: bool,
    },
    Arithmetic(Arithmetic, Numbers, Box<Expr>, Box<Expr>),
    /// The value of the first branch whose condition is true.
    Case(Vec<(Expr, Expr)>, Box<Expr>),
    /// Converts a value of the first type to the second one; a decimal has at most this number of digits.
    Cast(Box<Expr>, SqlType, SqlType, u8),
    Call(Function, Vec<Expr>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Literal {
    Null,
    Boolean(bool),
    /// A number in units of its last digit, and the number of its digits after the decimal point.
    Exact(i128, u8),
    Double(f64),
    Text(String),
    Timestamp(Timestamp),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    /// Divides doubles, or divides integers and rounds toward zero.
    Divide,
    Remainder,
}
