//! Merges the deeds of independent sources in the order of time, computed here or ahead of time in threads.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::iter::Peekable;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use crate::deed::Deed;

/// The number of deeds that a thread hands over at once, and the number of such chunks that it computes ahead.
const CHUNK: usize = 1_024;
const CHUNKS_AHEAD: usize = 8;

/// A source of deeds in the order of time.
pub(crate) type Source = Box<dyn Iterator<Item = Deed> + Send>;

/// A deed with the number of its source, which orders deeds of the same time.
type Numbered = (usize, Deed);
type NumberedSource = Box<dyn Iterator<Item = Numbered> + Send>;

/// The deeds of all sources, in the order of time.
pub(crate) struct Feed(Peekable<NumberedSource>);

impl Feed {
    /// Merges sources. With more than one task, each task computes some of the sources in a thread of its own; the
    /// deeds and their order are the same for any number of tasks.
    pub(crate) fn new(sources: Vec<Source>, tasks: usize) -> Self {
        let tasks = tasks.min(sources.len());
        let sources = sources.into_iter().enumerate().map(|(number, source)| {
            Box::new(source.map(move |deed| (number, deed))) as NumberedSource
        });
        if tasks <= 1 {
            return Self((Box::new(Merge::new(sources)) as NumberedSource).peekable());
        }
        let mut work: Vec<Vec<NumberedSource>> = (0..tasks).map(|_| Vec::new()).collect();
        for (number, source) in sources.enumerate() {
            work[number % tasks].push(source);
        }
        let threads = work
            .into_iter()
            .map(|sources| Box::new(Ahead::new(Merge::new(sources.into_iter()))) as NumberedSource);
        Self((Box::new(Merge::new(threads)) as NumberedSource).peekable())
    }

    /// Returns the time of the next deed; `None` after the last.
    pub(crate) fn next_us(&mut self) -> Option<i64> {
        self.0.peek().map(|(_, deed)| deed.at_us)
    }

    pub(crate) fn take(&mut self) -> Option<Deed> {
        self.0.next().map(|(_, deed)| deed)
    }
}

/// Merges sources, each of which is in order.
struct Merge {
    sources: Vec<(Option<Numbered>, NumberedSource)>,
    /// The time and the number of the first deed of each source, and the place of the source.
    first: BinaryHeap<Reverse<(i64, usize, usize)>>,
}

impl Merge {
    fn new(sources: impl Iterator<Item = NumberedSource>) -> Self {
        let mut merge = Self {
            sources: sources.map(|source| (None, source)).collect(),
            first: BinaryHeap::new(),
        };
        for place in 0..merge.sources.len() {
            merge.advance(place);
        }
        merge
    }

    /// Takes the first deed of a source, and makes the next one the first.
    fn advance(&mut self, place: usize) -> Option<Numbered> {
        let (first, source) = &mut self.sources[place];
        let next = source.next();
        if let Some((number, deed)) = &next {
            self.first.push(Reverse((deed.at_us, *number, place)));
        }
        std::mem::replace(first, next)
    }
}

impl Iterator for Merge {
    type Item = Numbered;

    fn next(&mut self) -> Option<Numbered> {
        let Reverse((_, _, place)) = self.first.pop()?;
        self.advance(place)
    }
}

/// A source that is computed ahead of time in a thread. The thread ends when this is dropped.
struct Ahead {
    chunks: Receiver<Vec<Numbered>>,
    chunk: std::vec::IntoIter<Numbered>,
}

impl Ahead {
    fn new(mut deeds: Merge) -> Self {
        let (sender, chunks) = sync_channel(CHUNKS_AHEAD);
        thread::spawn(move || {
            loop {
                let chunk: Vec<Numbered> = deeds.by_ref().take(CHUNK).collect();
                if chunk.is_empty() || sender.send(chunk).is_err() {
                    return;
                }
            }
        });
        Self {
            chunks,
            chunk: Vec::new().into_iter(),
        }
    }
}

impl Iterator for Ahead {
    type Item = Numbered;

    fn next(&mut self) -> Option<Numbered> {
        if let Some(deed) = self.chunk.next() {
            return Some(deed);
        }
        self.chunk = self.chunks.recv().ok()?.into_iter();
        self.chunk.next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::Dice;
    use crate::event::Topic;

    /// Returns deeds at random times, many of them at the same time as deeds of other sources.
    fn source(number: u64) -> Source {
        let mut dice = Dice::new(number, 0);
        let mut at_us = 0;
        Box::new((0..5_000).map(move |count| {
            at_us += dice.between(0, 2);
            Deed {
                at_us,
                topic: Topic::GameEvents,
                key: format!("{number}-{count}"),
                value: Vec::new(),
                mark: None,
            }
        }))
    }

    fn keys(tasks: usize) -> Vec<(i64, String)> {
        let mut feed = Feed::new((0..5).map(source).collect(), tasks);
        let deeds = std::iter::from_fn(|| feed.take());
        deeds.map(|deed| (deed.at_us, deed.key)).collect()
    }

    #[test]
    fn the_order_does_not_depend_on_the_number_of_tasks() {
        let merged = keys(1);
        let mut expected: Vec<(i64, u64, String)> = (0..5)
            .flat_map(|number| source(number).map(move |deed| (deed.at_us, number, deed.key)))
            .collect();
        expected.sort_by_key(|(at_us, number, _)| (*at_us, *number));
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(at_us, _, key)| (at_us, key))
            .collect();
        assert_eq!(merged, expected);
        for tasks in [2, 3, 5, 9] {
            assert_eq!(keys(tasks), merged, "{tasks} tasks");
        }
    }
}
