//! Creates the folds of a request.

use std::collections::BTreeMap;

use model::fold::{ParsedFold, RequestError, Source, SourceFolds, SourceRecord, requested};
use model::fold::{PlayerEvents, PurchaseEvents, ServerMetrics};
use model::{Fold, Lift, ParamError, Params};

/// The folds of the requested derivations, all of one source.
pub enum Folds {
    /// Derivations of `player-events`.
    PlayerEvents(SourceFolds<PlayerEvents>),
    /// Derivations of `purchase-events`.
    PurchaseEvents(SourceFolds<PurchaseEvents>),
    /// Derivations of `server-metrics`.
    ServerMetrics(SourceFolds<ServerMetrics>),
}

impl Folds {
    /// Creates the folds from the SmartModule's parameters.
    pub fn requested(params: &BTreeMap<String, String>) -> Result<Self, RequestError> {
        let requested = requested(params)?;
        let [(first, _), ..] = requested.as_slice() else {
            return Err(RequestError::Empty);
        };
        if PlayerEvents::NAMES.contains(first) {
            return Ok(Self::PlayerEvents(of_source(&requested)?));
        }
        if PurchaseEvents::NAMES.contains(first) {
            return Ok(Self::PurchaseEvents(of_source(&requested)?));
        }
        Ok(Self::ServerMetrics(of_source(&requested)?))
    }

    /// Folds one batch and appends a partial of each derivation to `partials`, in the order of the request.
    pub fn batch<'r>(
        &mut self,
        records: impl Iterator<Item = SourceRecord<'r>>,
        partials: &mut Vec<u8>,
    ) {
        match self {
            Self::PlayerEvents(folds) => folds.batch(records, partials),
            Self::PurchaseEvents(folds) => folds.batch(records, partials),
            Self::ServerMetrics(folds) => folds.batch(records, partials),
        }
    }
}

type AnyFold<S> = Box<dyn ParsedFold<S>>;

/// A source and its derivations.
trait Derived: Source + Sized {
    /// The names of the source's derivations.
    const NAMES: &'static [&'static str];

    /// Creates the fold of the derivation `name`; `None` if this source has no such derivation.
    fn fold(name: &str, params: &Params) -> Option<Result<AnyFold<Self>, ParamError>>;
}

fn of_source<S: Derived>(requested: &[(&str, Params)]) -> Result<SourceFolds<S>, RequestError> {
    let fold = |(name, params): &(&str, Params)| {
        let unknown = || RequestError::Unknown {
            name: (*name).to_owned(),
        };
        let fold = S::fold(name, params).ok_or_else(unknown)?;
        fold.map_err(|problem| RequestError::Parameter {
            derivation: (*name).to_owned(),
            problem,
        })
    };
    let folds: Result<_, _> = requested.iter().map(fold).collect();
    Ok(SourceFolds::new(folds?))
}

fn fold<S, L>(params: &Params) -> Result<AnyFold<S>, ParamError>
where
    S: Source,
    L: Lift + for<'e> Lift<Event<'e> = S::Event<'e>>,
{
    Ok(Box::new(Fold::<L>::from_params(params)?))
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
                        return Some(fold::<Self, lift!($kind $derivation)>(params));
                    }
                )*
                None
            }
        }
    )*};
}

crate::with_derivations!(derived);
