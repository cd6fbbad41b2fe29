//! Hysteresis: an alert opens or closes only when several consecutive windows agree.

use model::Timestamp;
use serde::{Deserialize, Serialize};

use crate::readings::{Level, WindowValue};

/// The hysteresis of one measure of one server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Watch {
    /// When the alert opened, if it is open.
    pub(crate) opened_at: Option<Timestamp>,
    /// The value of the last window.
    pub(crate) last: WindowValue,
    /// The number of consecutive windows up to the last one that favor a change: they are above the threshold while
    /// no alert is open, or below it by the margin while one is open.
    in_a_row: u32,
}

/// A change of an alert: it opens or closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) opened_at: Timestamp,
    pub(crate) closed_at: Option<Timestamp>,
}

impl Watch {
    /// Adds the window that ends at `end`. Returns the opening or closing that it causes, if any.
    pub(crate) fn judge(
        &mut self,
        value: WindowValue,
        level: Level,
        end: Timestamp,
        consecutive: u32,
    ) -> Option<Turn> {
        self.last = value;
        let favors_change = match self.opened_at {
            None => level == Level::Above,
            Some(_) => level == Level::Below,
        };
        self.in_a_row = if favors_change { self.in_a_row + 1 } else { 0 };
        if self.in_a_row < consecutive {
            return None;
        }
        self.in_a_row = 0;
        match self.opened_at.take() {
            None => {
                self.opened_at = Some(end);
                Some(Turn {
                    opened_at: end,
                    closed_at: None,
                })
            }
            Some(opened_at) => Some(Turn {
                opened_at,
                closed_at: Some(end),
            }),
        }
    }

    /// Resets the number of consecutive windows.
    pub(crate) fn start_over(&mut self) {
        self.in_a_row = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the indices of the windows at which the alert opens and closes, alternately.
    fn turns(levels: &str, consecutive: u32) -> Vec<usize> {
        let mut watch = Watch::default();
        let mut judge = |(index, letter): (usize, char)| {
            let level = match letter {
                '^' => Level::Above,
                '-' => Level::Between,
                '_' => Level::Below,
                _ => unreachable!("no level"),
            };
            let end = Timestamp::from_millis(index as i64);
            watch
                .judge(WindowValue::default(), level, end, consecutive)
                .map(|_| index)
        };
        levels.chars().enumerate().filter_map(&mut judge).collect()
    }

    #[test]
    fn it_opens_after_two_above_in_a_row() {
        assert_eq!(turns("^^", 2), [1]);
        assert_eq!(turns("^-^_^", 2), Vec::<usize>::new());
        assert_eq!(turns("_^^^^^^", 2), [2]);
    }

    #[test]
    fn it_closes_after_two_below_in_a_row() {
        assert_eq!(turns("^^__", 2), [1, 3]);
        assert_eq!(turns("^^_-_^_", 2), [1]);
        assert_eq!(turns("^^_ ^__".replace(' ', "").as_str(), 2), [1, 5]);
    }

    #[test]
    fn noise_around_the_threshold_does_not_flap() {
        assert_eq!(turns(&"^-".repeat(50), 2), Vec::<usize>::new());
        assert_eq!(turns(&"^^-".repeat(50), 2), [1], "never far enough below");
        assert_eq!(turns(&("^^".to_owned() + &"^_".repeat(50)), 2), [1]);
    }

    #[test]
    fn after_a_close_the_count_starts_again() {
        assert_eq!(turns("^^__^_^^", 2), [1, 3, 7]);
    }

    #[test]
    fn other_numbers_of_windows_are_possible() {
        assert_eq!(turns("^-__^", 1), [0, 2, 4]);
        assert_eq!(turns("^^-^^^__^___", 3), [5, 11]);
    }
}
