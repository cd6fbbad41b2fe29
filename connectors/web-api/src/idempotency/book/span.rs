//! Stretches of offsets in which all records belong to one request.

use crate::delivery::Places;
use crate::source::Target;
use crate::writer::Place;

/// Offsets `start..end` of one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    target: Target,
    partition: u32,
    start: i64,
    end: i64,
}

impl Span {
    pub(crate) fn new(target: Target, partition: u32, start: i64, end: i64) -> Self {
        Self {
            target,
            partition,
            start,
            end,
        }
    }

    /// The fewest spans that hold these places. A request's records stand side by side, so they are few.
    pub(crate) fn all(places: &Places) -> Vec<Self> {
        let mut spans: Vec<Self> = Vec::new();
        for (target, places) in places {
            let mut places = places.clone();
            places.sort_unstable();
            for (partition, offset) in places {
                match spans.last_mut() {
                    Some(last)
                        if (last.target, last.partition, last.end)
                            == (*target, partition, offset) =>
                    {
                        last.end += 1;
                    }
                    _ => spans.push(Self::new(*target, partition, offset, offset + 1)),
                }
            }
        }
        spans
    }

    pub(crate) fn holds(&self, target: Target, (partition, offset): Place) -> bool {
        (self.target, self.partition) == (target, partition)
            && (self.start..self.end).contains(&offset)
    }

    /// Topic, partition, first offset, one past the last.
    pub(crate) fn to_tuple(self) -> (String, u32, i64, i64) {
        let topic = self.target.topic().to_owned();
        (topic, self.partition, self.start, self.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_become_one_span() {
        let places = Places::from([(
            Target::Rejected,
            vec![(1, 7), (0, 3), (1, 6), (0, 5), (0, 4)],
        )]);
        let spans = Span::all(&places);
        let expected = [
            Span::new(Target::Rejected, 0, 3, 6),
            Span::new(Target::Rejected, 1, 6, 8),
        ];
        assert_eq!(spans, expected);
        for (partition, offset) in places[&Target::Rejected].iter().copied() {
            let holding = spans
                .iter()
                .filter(|span| span.holds(Target::Rejected, (partition, offset)));
            assert_eq!(holding.count(), 1);
        }
        assert!(!spans[0].holds(Target::Rejected, (0, 6)));
    }
}
