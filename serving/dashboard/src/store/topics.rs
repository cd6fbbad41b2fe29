//! Lists the topics that the dashboard shows. A new topic needs its own file in the folder `topics` and one line in the
//! call of [`shown_topics!`]. Each view that uses the topic lists it in `View::topics`.

mod active_players;
mod fraud_alerts;
mod level_engagement;
mod player_session_summaries;
mod purchase_summaries;
mod revenue;
mod server_alerts;
mod server_health;
mod stuck_players;

use client::Record;
use model::Timestamp;
use model::derived::{Derived, FraudAlerts, ServerAlerts, StuckPlayers};

use super::Unshown;
use super::accounts::Accounts;
use super::samples::Samples;
use super::shown::{FoldContext, ShownRow, ShownTopic};
use crate::history::History;
use crate::latest::Latest;

pub(crate) use active_players::ActiveRow;
pub(crate) use level_engagement::LevelRow;
pub(crate) use player_session_summaries::SessionRow;
pub(crate) use purchase_summaries::ItemRow;
pub(crate) use revenue::RevenueRow;
pub(crate) use server_health::HealthRow;

type Rows<R> = History<<R as ShownRow>::Key, R>;
type Alerts<A> = Latest<Derived<A>>;

/// Declares [`Topic`] and [`Topics`]. Each line contains the topic's variant of [`Topic`], its name, its field in
/// [`Topics`], and the type of this field.
macro_rules! shown_topics {
    ($($topic:ident $name:literal $field:ident: $kept:ty,)*) => {
        /// A topic that the dashboard reads.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Topic {
            $($topic,)*
        }

        impl Topic {
            /// All topics, in the order of their declaration.
            pub(crate) const ALL: [Self; [$($name),*].len()] = [$(Self::$topic),*];

            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Self::$topic => $name,)*
                }
            }

            /// Whether the topic receives rows for every window while events arrive.
            pub(crate) fn has_windows(self) -> bool {
                match self {
                    $(Self::$topic => <$kept>::HAS_WINDOWS,)*
                }
            }

            /// The limit for the topic's rows in memory.
            #[cfg(test)]
            pub(crate) fn rows_max(self) -> usize {
                match self {
                    $(Self::$topic => <$kept>::ROWS_MAX,)*
                }
            }

            /// How many of each partition's latest records are read at the start.
            pub(crate) fn records_max(self) -> usize {
                match self {
                    $(Self::$topic => <$kept>::RECORDS_MAX,)*
                }
            }
        }

        /// The data of each topic.
        #[derive(Debug)]
        pub(crate) struct Topics {
            $(pub(crate) $field: $kept,)*
        }

        impl Topics {
            pub(super) fn empty() -> Self {
                Self {
                    $($field: ShownTopic::empty(),)*
                }
            }

            pub(super) fn clear(&mut self, topic: Topic) {
                match topic {
                    $(Topic::$topic => self.$field = ShownTopic::empty(),)*
                }
            }

            pub(super) fn fold(
                &mut self,
                topic: Topic,
                record: &Record,
                context: &mut FoldContext<'_>,
            ) -> Result<(), Unshown> {
                match topic {
                    $(Topic::$topic => self.$field.fold(record, context),)*
                }
            }
        }
    };
}

shown_topics! {
    ActivePlayers "active-players" active: Rows<ActiveRow>,
    FraudAlerts "fraud-alerts" fraud: Alerts<FraudAlerts>,
    LevelEngagement "level-engagement" levels: Rows<LevelRow>,
    PlayerSessionSummaries "player-session-summaries" sessions: Rows<SessionRow>,
    PurchaseSummaries "purchase-summaries" items: Rows<ItemRow>,
    Revenue "revenue" revenue: Rows<RevenueRow>,
    ServerAlerts "server-alerts" server_alerts: Alerts<ServerAlerts>,
    ServerHealth "server-health" health: Rows<HealthRow>,
    StuckPlayers "stuck-players" stuck: Alerts<StuckPlayers>,
    Accounting "accounting" accounts: Accounts,
    RejectedEvents "rejected-events" rejected: Samples,
    LateEvents "late-events" late: Samples,
}

impl Topic {
    /// Whether a derivation writes the topic. Every runner writes the others.
    pub(crate) fn is_derived(self) -> bool {
        !matches!(
            self,
            Self::Accounting | Self::RejectedEvents | Self::LateEvents
        )
    }
}

/// The dashboard's reading progress in a topic, and what the topic's records reveal about its windows.
#[derive(Clone, Debug, Default)]
pub(crate) struct TopicState {
    pub(crate) records: u64,
    /// The number of records that are not shown: invalid, too large, too far in the future, or with a new name when the
    /// table of names is full.
    pub(crate) unshown: u64,
    pub(crate) window_end: Option<Timestamp>,
    /// The length of the topic's windows; 0 if it is not known.
    pub(crate) window_ms: i64,
    /// The latest timestamp of a record. A record without a timestamp counts with the time at which it was read.
    pub(crate) arrived_ms: Option<i64>,
    /// Whether everything that the topic contained at the start has been read.
    pub(crate) filled: bool,
    /// The reason why the topic cannot be read at present.
    pub(crate) last_error: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_listed_in_the_order_of_their_numbers() {
        for (number, topic) in Topic::ALL.into_iter().enumerate() {
            assert_eq!(topic as usize, number);
        }
    }
}
