//! Creates the folds of a request.

use std::collections::BTreeMap;

use model::fold::{Folds, ParsedFold, RequestError, SourceFolds, parsed_fold, requested};
use model::source::{PlayerEvents, PurchaseEvents, ServerMetrics, Source};
use model::{Lift, ParamError, Params};
use sql::{DeclaredSource, SqlSessions, SqlWindows};

/// A requested derivation: its position in the request, its name, and its parameters.
type Requested<'p> = (usize, &'p str, Params);

/// Creates the folds of derivations in Rust of the source `S` from the SmartModule's parameters. All other derivations
/// are unknown.
pub fn built_in<S: Derived>(params: &BTreeMap<String, String>) -> Result<Folds, RequestError> {
    let requested: Vec<_> = numbered(params)?.collect();
    let mut folds = Folds::default();
    add_built_in::<S>(&requested, &mut folds)?;
    Ok(folds)
}

/// Creates the folds of derivations in Rust and of queries from the SmartModule's parameters.
pub fn folds(params: &BTreeMap<String, String>) -> Result<Folds, RequestError> {
    let (queries, built_in): (Vec<_>, Vec<_>) =
        numbered(params)?.partition(|(_, _, params)| sql::source_parameter(params).is_some());
    let mut folds = Folds::default();
    if let [(_, first, _), ..] = built_in.as_slice() {
        if PlayerEvents::NAMES.contains(first) {
            add_built_in::<PlayerEvents>(&built_in, &mut folds)?;
        } else if PurchaseEvents::NAMES.contains(first) {
            add_built_in::<PurchaseEvents>(&built_in, &mut folds)?;
        } else {
            add_built_in::<ServerMetrics>(&built_in, &mut folds)?;
        }
    }
    let mut by_source: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for query in &queries {
        let source = sql::source_parameter(&query.2);
        by_source.entry(source).or_default().push(query);
    }
    for queries in by_source.values() {
        add_queries(queries, &mut folds)?;
    }
    Ok(folds)
}

fn numbered(
    params: &BTreeMap<String, String>,
) -> Result<impl Iterator<Item = Requested<'_>>, RequestError> {
    let numbered = requested(params)?.into_iter().enumerate();
    Ok(numbered.map(|(position, (name, params))| (position, name, params)))
}

type AnyFold<S> = Box<dyn ParsedFold<S>>;

/// A source and its derivations in Rust.
pub trait Derived: Source {
    /// The names of the source's derivations.
    const NAMES: &'static [&'static str];

    /// Creates the fold of the derivation `name`; `None` if this source has no such derivation.
    fn fold(name: &str, params: &Params) -> Option<Result<Box<dyn ParsedFold<Self>>, ParamError>>;
}

fn add_built_in<S: Derived>(
    requested: &[Requested<'_>],
    folds: &mut Folds,
) -> Result<(), RequestError> {
    let fold = |(_, name, params): &Requested<'_>| {
        let unknown = || RequestError::Unknown {
            name: (*name).to_owned(),
        };
        let fold = S::fold(name, params).ok_or_else(unknown)?;
        fold.map_err(|problem| refused(name, problem))
    };
    let made: Result<_, _> = requested.iter().map(fold).collect();
    let source = S::from_params(&Params::default()).map_err(|problem| refused("", problem))?;
    let positions: Vec<_> = requested.iter().map(|(position, ..)| *position).collect();
    folds.add_group(Box::new(SourceFolds::new(source, made?)), &positions);
    Ok(())
}

/// Adds the folds of queries that read the records of their source in the same way.
fn add_queries(queries: &[&Requested<'_>], folds: &mut Folds) -> Result<(), RequestError> {
    let Some((_, first, _)) = queries.first() else {
        return Ok(());
    };
    let params = queries.iter().map(|(_, _, params)| params);
    let source = DeclaredSource::of_queries(params).map_err(|problem| refused(first, problem))?;
    let fold = |(_, name, params): &&Requested<'_>| {
        let fold = if params.text("gap_ms").is_some() {
            parsed_fold::<SqlSessions>(params)
        } else {
            parsed_fold::<SqlWindows>(params)
        };
        fold.map_err(|problem| refused(name, problem))
    };
    let made: Result<_, _> = queries.iter().map(fold).collect();
    let positions: Vec<_> = queries.iter().map(|(position, ..)| *position).collect();
    folds.add_group(Box::new(SourceFolds::new(source, made?)), &positions);
    Ok(())
}

fn refused(derivation: &str, problem: ParamError) -> RequestError {
    RequestError::Parameter {
        derivation: derivation.to_owned(),
        problem,
    }
}

/// Expands to the type that implements [`Lift`] for a derivation. For a keyed process `P` it is `FactsOf<P>`.
macro_rules! lift {
    (keyed $process:ty) => {
        model::FactsOf<$process>
    };
    ($kind:ident $lift:ty) => {
        $lift
    };
}

/// Implements [`Derived`] for each source.
macro_rules! derived {
    ($($source:ident { $($kind:ident $derivation:ty,)* })*) => {$(
        impl Derived for $source {
            const NAMES: &'static [&'static str] =
                &[$(<lift!($kind $derivation) as Lift>::NAME),*];

            fn fold(name: &str, params: &Params) -> Option<Result<AnyFold<Self>, ParamError>> {
                $(
                    if name == <lift!($kind $derivation) as Lift>::NAME {
                        return Some(parsed_fold::<lift!($kind $derivation)>(params));
                    }
                )*
                None
            }
        }
    )*};
}

crate::with_derivations!(derived);
