//! The kinds of people, and what each tends to do.
//!
//! All probabilities are percentages in `u32`, so that the same random numbers lead to the same lives on every machine.

use crate::dice::Dice;

/// The kinds of people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Persona {
    /// Plays short sessions, and seldom returns.
    Casual,
    /// Plays long sessions on many days.
    Hardcore,
    /// Buys in nearly every visit to the shop.
    Whale,
}

/// What people of one persona tend to do. A person in the lobby goes on to a match, to the shop or offline.
pub(crate) struct Habits {
    pub(crate) to_match: u32,
    pub(crate) to_shop: u32,
    pub(crate) to_offline: u32,
    /// The percentage of matchmakings that lead to a match; the others lead back to the lobby.
    pub(crate) matched: u32,
    /// The percentage of steps in a match after which the match ends.
    pub(crate) ends_match: u32,
    /// The percentage of steps in the shop after which the person leaves it.
    pub(crate) leaves_shop: u32,
    /// The percentage of steps in the shop in which the person wants to buy.
    pub(crate) buys: u32,
    /// The percentage of sessions that are followed by a further session on the same day, at most two.
    pub(crate) again: u32,
    /// The percentage of days on which a person plays, until the person leaves the game for good.
    pub(crate) plays: u32,
    /// The classic retention: the share of a cohort, in thousandths, that plays on a day after the first. Days in
    /// between follow a straight line; after the last day no one plays.
    pub(crate) retention: &'static [(u32, u32)],
    /// The range of skills; a level of this difficulty succeeds in half of the attempts.
    pub(crate) skill: (i64, i64),
}

pub(super) const PERSONAS: [Persona; 3] = [Persona::Casual, Persona::Hardcore, Persona::Whale];
/// The shares of personas, in percent.
pub(super) const WEIGHTS: [u32; 3] = [60, 30, 10];

static CASUAL: Habits = Habits {
    to_match: 60,
    to_shop: 5,
    to_offline: 35,
    matched: 90,
    ends_match: 10,
    leaves_shop: 90,
    buys: 1,
    again: 15,
    plays: 42,
    retention: &[
        (1, 360),
        (3, 210),
        (7, 132),
        (14, 91),
        (30, 60),
        (90, 24),
        (365, 0),
    ],
    skill: (40, 80),
};
static HARDCORE: Habits = Habits {
    to_match: 85,
    to_shop: 5,
    to_offline: 10,
    matched: 95,
    ends_match: 2,
    leaves_shop: 90,
    buys: 5,
    again: 25,
    plays: 60,
    retention: &[
        (1, 500),
        (3, 300),
        (7, 190),
        (14, 140),
        (30, 95),
        (90, 45),
        (365, 0),
    ],
    skill: (80, 160),
};
static WHALE: Habits = Habits {
    to_match: 50,
    to_shop: 40,
    to_offline: 10,
    matched: 90,
    ends_match: 5,
    leaves_shop: 50,
    buys: 80,
    again: 25,
    plays: 65,
    retention: &[
        (1, 550),
        (3, 335),
        (7, 215),
        (14, 160),
        (30, 110),
        (90, 60),
        (365, 0),
    ],
    skill: (50, 100),
};

impl Persona {
    pub(crate) fn choose(dice: &mut Dice) -> Self {
        PERSONAS[dice.weighted(&WEIGHTS)]
    }

    pub(crate) fn habits(self) -> &'static Habits {
        match self {
            Self::Casual => &CASUAL,
            Self::Hardcore => &HARDCORE,
            Self::Whale => &WHALE,
        }
    }
}

impl Habits {
    /// Returns the share of a cohort, in thousandths, that plays on this day after the first.
    pub(crate) fn retained(&self, age: u32) -> f64 {
        let after = self.retention.iter().position(|(day, _)| *day >= age);
        match after {
            None => 0.0,
            Some(0) => f64::from(self.retention[0].1),
            Some(place) => {
                let ((from, high), (to, low)) = (self.retention[place - 1], self.retention[place]);
                let part = f64::from(age - from) / f64::from(to - from);
                f64::from(high) + part * (f64::from(low) - f64::from(high))
            }
        }
    }

    /// Returns the age, in days after the first, of the last day on which a new person may play. Of those who may play,
    /// a share of `plays` does, so that the classic retention results.
    pub(crate) fn lifetime(&self, dice: &mut Dice) -> u32 {
        let fate = dice.below(1_000_000) as f64 / 1e3;
        let stays = |age: u32| self.retained(age) * 100.0 / f64::from(self.plays);
        let last = self.retention[self.retention.len() - 1].0;
        // The share of those who stay falls with age, so a binary search would do; most leave within days.
        (1..=last).take_while(|age| stays(*age) > fate).count() as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_of_people_who_stay_never_exceeds_one_and_never_rises() {
        for persona in PERSONAS {
            let habits = persona.habits();
            assert_eq!(
                habits.to_match + habits.to_shop + habits.to_offline,
                100,
                "{persona:?}"
            );
            let stay: Vec<f64> = (1..=366)
                .map(|age| habits.retained(age) * 100.0 / f64::from(habits.plays))
                .collect();
            assert!(
                stay[0] <= 1_000.0 && stay.is_sorted_by(|a, b| a >= b),
                "{persona:?}"
            );
            assert!(stay[365] < 1e-9, "{persona:?}");
        }
    }

    #[test]
    fn retention_is_linear_between_its_days() {
        let habits = Persona::Casual.habits();
        for (age, share) in [(1, 360.0), (2, 285.0), (7, 132.0), (22, 75.5), (400, 0.0)] {
            assert!((habits.retained(age) - share).abs() < 1e-9, "{age}");
        }
    }
}
