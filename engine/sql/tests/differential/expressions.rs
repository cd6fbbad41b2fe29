//! Expressions in both languages. What fails in DuckDB is NULL here, so its form contains `TRY`.

use proptest::prelude::*;
use proptest::sample::select;

/// An expression in this crate's language and in DuckDB's.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub(crate) ours: String,
    pub(crate) theirs: String,
}

impl Pair {
    fn same(text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            ours: text.clone(),
            theirs: text,
        }
    }

    /// Applies a function to both forms.
    pub(crate) fn map(self, apply: impl Fn(&str) -> String) -> Self {
        Self {
            ours: apply(&self.ours),
            theirs: apply(&self.theirs),
        }
    }

    fn join(self, other: &Self, apply: impl Fn(&str, &str) -> String) -> Self {
        Self {
            ours: apply(&self.ours, &other.ours),
            theirs: apply(&self.theirs, &other.theirs),
        }
    }

    fn tried(self) -> Self {
        Self {
            theirs: format!("TRY({})", self.theirs),
            ..self
        }
    }

    fn finite(self) -> Self {
        Self {
            theirs: format!("finite({})", self.theirs),
            ..self
        }
    }
}

pub(crate) type Pairs = BoxedStrategy<Pair>;

fn one_of(texts: &'static [&'static str]) -> Pairs {
    select(texts).prop_map(Pair::same).boxed()
}

fn unary(inner: Pairs, forms: &'static [&'static str]) -> Pairs {
    (inner, select(forms))
        .prop_map(|(inner, form)| inner.map(|text| form.replace('@', text)))
        .boxed()
}

fn binary(left: Pairs, right: Pairs, forms: &'static [&'static str]) -> Pairs {
    (left, right, select(forms))
        .prop_map(|(left, right, form)| {
            left.join(&right, |left, right| {
                form.replace('@', left).replace('#', right)
            })
        })
        .boxed()
}

fn conditional(depth: u32, value: fn(u32) -> Pairs) -> Pairs {
    (condition(depth), value(depth), value(depth))
        .prop_map(|(condition, left, right)| {
            let whole = condition.join(&left, |condition, left| {
                format!("CASE WHEN {condition} THEN {left}")
            });
            whole.join(&right, |start, right| format!("{start} ELSE {right} END"))
        })
        .boxed()
}

/// An expression of type BIGINT.
pub(crate) fn integer(depth: u32) -> Pairs {
    let leaf = one_of(&[
        "n",
        "seq",
        "0",
        "3",
        "(-7)",
        "NULLIF(n, 7)",
        "length(player)",
    ]);
    if depth == 0 {
        return leaf;
    }
    let inner = || integer(depth - 1);
    prop_oneof![
        leaf,
        binary(
            inner(),
            inner(),
            &["(@ + #)", "(@ - #)", "(@ * #)", "(@ // #)", "(@ % #)"]
        )
        .prop_map(Pair::tried),
        unary(inner(), &["(-@)", "abs(@)"]).prop_map(Pair::tried),
        unary(decimal(depth - 1), &["CAST(@ AS BIGINT)"]).prop_map(Pair::tried),
        unary(double(depth - 1), &["TRY_CAST(@ AS BIGINT)"]),
        unary(text(depth - 1), &["length(@)", "TRY_CAST(@ AS BIGINT)"]),
        unary(condition(depth - 1), &["CAST(@ AS BIGINT)"]),
        unary(time(depth - 1), TIME_PARTS),
        binary(
            inner(),
            inner(),
            &[
                "COALESCE(@, #)",
                "LEAST(@, #)",
                "GREATEST(@, #)",
                "NULLIF(@, #)"
            ]
        ),
        conditional(depth - 1, integer),
    ]
    .boxed()
}

const TIME_PARTS: &[&str] = &[
    "EXTRACT(year FROM @)",
    "EXTRACT(quarter FROM @)",
    "EXTRACT(month FROM @)",
    "EXTRACT(week FROM @)",
    "EXTRACT(day FROM @)",
    "EXTRACT(hour FROM @)",
    "EXTRACT(minute FROM @)",
    "EXTRACT(second FROM @)",
    "EXTRACT(milliseconds FROM @)",
    "EXTRACT(dow FROM @)",
    "EXTRACT(isodow FROM @)",
    "EXTRACT(doy FROM @)",
    "epoch_ms(@)",
];

/// An expression of type DECIMAL.
pub(crate) fn decimal(depth: u32) -> Pairs {
    let leaf = one_of(&["amount", "1.5", "(-0.25)", "100.00"]);
    if depth == 0 {
        return leaf;
    }
    let inner = || decimal(depth - 1);
    prop_oneof![
        leaf,
        binary(inner(), inner(), &["(@ + #)", "(@ - #)"]).prop_map(Pair::tried),
        binary(
            one_of(&["amount", "1.5"]),
            one_of(&["amount", "0.25", "2"]),
            &["(@ * #)"]
        )
        .prop_map(|product| Pair {
            // The product of two numbers of up to 18 digits has 18 digits in DuckDB, and up to 38 here.
            theirs: product
                .theirs
                .replace("amount", "CAST(amount AS DECIMAL(19, 2))"),
            ..product
        })
        .prop_map(Pair::tried),
        unary(
            inner(),
            &[
                "round(@)",
                "round(@, 1)",
                "round(@, -1)",
                "abs(@)",
                "(-@)",
                "floor(@)",
                "ceil(@)"
            ]
        )
        .prop_map(Pair::tried),
        binary(
            inner(),
            inner(),
            &["COALESCE(@, #)", "LEAST(@, #)", "GREATEST(@, #)"]
        ),
        unary(one_of(&["x", "2.5e-1"]), &["TRY_CAST(@ AS DECIMAL(18, 1))"]),
        unary(
            text(0),
            &[
                "TRY_CAST(@ AS DECIMAL(18, 3))",
                "TRY_CAST(@ AS DECIMAL(4, 2))"
            ]
        ),
        conditional(depth - 1, decimal),
    ]
    .boxed()
}

/// An expression of type DOUBLE.
pub(crate) fn double(depth: u32) -> Pairs {
    let leaf = one_of(&["x", "1e0", "2.5e-1", "CAST(amount AS DOUBLE)"]);
    if depth == 0 {
        return leaf;
    }
    let inner = || double(depth - 1);
    prop_oneof![
        leaf,
        binary(
            inner(),
            inner(),
            &["(@ + #)", "(@ - #)", "(@ * #)", "(@ / #)"]
        )
        .prop_map(Pair::finite),
        binary(integer(depth - 1), decimal(0), &["(@ / #)", "(# / @)"]).prop_map(Pair::finite),
        unary(
            inner(),
            &["abs(@)", "floor(@)", "ceil(@)", "round(@, 2)", "(-@)"]
        ),
        unary(integer(depth - 1), &["CAST(@ AS DOUBLE)", "floor(@)"]),
        unary(time(0), &["EXTRACT(epoch FROM @)"]),
        binary(inner(), inner(), &["COALESCE(@, #)", "LEAST(@, #)"]),
        conditional(depth - 1, double),
    ]
    .boxed()
}

/// An expression of type TEXT.
pub(crate) fn text(depth: u32) -> Pairs {
    let leaf = one_of(&["player", "game", "'Bob'", "'γ'", "''", "'12.5'", "' 7 '"]);
    if depth == 0 {
        return leaf;
    }
    let inner = || text(depth - 1);
    prop_oneof![
        leaf,
        unary(
            inner(),
            &[
                "lower(@)",
                "upper(@)",
                "substr(@, 2)",
                "split_part(@, 'o', 2)",
                "split_part(@, '', -1)"
            ]
        ),
        (inner(), -4_i32..5, -3_i32..5).prop_map(|(inner, start, length)| {
            inner.map(|text| format!("substr({text}, {start}, {length})"))
        }),
        binary(
            inner(),
            inner(),
            &[
                "(@ || #)",
                "concat(@, #)",
                "COALESCE(@, #)",
                "LEAST(@, #)",
                "NULLIF(@, #)"
            ]
        ),
        unary(integer(depth - 1), &["CAST(@ AS TEXT)"]),
        unary(decimal(0), &["CAST(@ AS TEXT)"]),
        unary(condition(depth - 1), &["CAST(@ AS TEXT)"]),
        unary(time(depth - 1), &["CAST(@ AS TEXT)"]),
        conditional(depth - 1, text),
    ]
    .boxed()
}

/// An expression of type TIMESTAMP.
pub(crate) fn time(depth: u32) -> Pairs {
    let leaf = one_of(&["event_timestamp", "since"]);
    if depth == 0 {
        return leaf;
    }
    let inner = || time(depth - 1);
    prop_oneof![
        leaf,
        unary(
            inner(),
            &[
                "date_trunc('year', @)",
                "date_trunc('quarter', @)",
                "date_trunc('month', @)",
                "date_trunc('week', @)",
                "date_trunc('day', @)",
                "date_trunc('hour', @)",
                "date_trunc('minute', @)",
                "date_trunc('second', @)",
            ],
        ),
        binary(inner(), inner(), &["LEAST(@, #)", "COALESCE(@, #)"]),
    ]
    .boxed()
}

const COMPARISONS: &[&str] = &[
    "(@ = #)",
    "(@ <> #)",
    "(@ < #)",
    "(@ <= #)",
    "(@ > #)",
    "(@ >= #)",
    "(@ IS DISTINCT FROM #)",
    "(@ IS NOT DISTINCT FROM #)",
    "(@ BETWEEN # AND #)",
    "(@ NOT BETWEEN # AND #)",
    "(@ IN (#, NULL))",
    "(@ NOT IN (#))",
];

/// An expression of type BOOLEAN.
pub(crate) fn condition(depth: u32) -> Pairs {
    let leaf = one_of(&[
        "ok",
        "TRUE",
        "FALSE",
        "(n IS NULL)",
        "(player LIKE '%b%')",
        "(since >= '2024-10-01T00:00:00Z')",
    ]);
    if depth == 0 {
        return leaf;
    }
    let inner = || condition(depth - 1);
    prop_oneof![
        leaf,
        binary(integer(depth - 1), integer(depth - 1), COMPARISONS),
        binary(integer(depth - 1), decimal(0), COMPARISONS),
        binary(double(depth - 1), integer(0), COMPARISONS),
        binary(text(depth - 1), text(depth - 1), COMPARISONS),
        binary(time(depth - 1), time(depth - 1), COMPARISONS),
        binary(
            inner(),
            inner(),
            &["(@ AND #)", "(@ OR #)", "(@ = #)", "(NOT @ AND #)"]
        ),
        unary(
            inner(),
            &[
                "(NOT @)",
                "(@ IS NULL)",
                "(@ IS TRUE)",
                "(@ IS NOT FALSE)",
                "(@ IS UNKNOWN)"
            ]
        ),
        unary(
            text(depth - 1),
            &[
                "(@ LIKE 'b_b')",
                "(@ NOT LIKE '%o%')",
                "(@ ILIKE 'B%')",
                "(@ LIKE 'd!%%' ESCAPE '!')",
                "(@ IS NULL)"
            ],
        ),
        unary(text(depth - 1), &["TRY_CAST(@ AS BOOLEAN)"]),
    ]
    .boxed()
}
