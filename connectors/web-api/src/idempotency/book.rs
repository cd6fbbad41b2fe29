//! The keys of the last hour in memory, and what is known of each.

mod span;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::journal::{self, Intent, Settled};
use super::request::{Digest, RequestKey};
use crate::error::Refusal;
use crate::limits::{KEYS_REMEMBERED_MAX, REMEMBERED};
use crate::writer::Outgoing;

pub(super) use span::Span;

/// Keys and what came of their requests.
#[derive(Debug, Default)]
pub(super) struct Book(Mutex<Pages>);

#[derive(Debug, Default)]
struct Pages {
    entries: HashMap<RequestKey, Entry>,
    /// When entries came that stay, the oldest first.
    by_age: VecDeque<(i64, RequestKey)>,
}

#[derive(Debug)]
struct Entry {
    digest: Digest,
    at_ms: i64,
    /// Whether it is among those that are sorted by age.
    stays: bool,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Somebody has its [`Claim`]; these records are known to be its own.
    UnderWay(Vec<Span>),
    /// Its intent stands, and nothing was written.
    Intended(Intent),
    /// Its intent stands, and its records may.
    InDoubt(Intent),
    /// All of it was dealt with; these records are its own.
    Answered(Box<[Span]>),
}

/// What is to be done with a request.
pub(super) enum Begin {
    /// All of it.
    New(Claim),
    /// All but its intent.
    Intended(Claim),
    /// Whatever its topics lack.
    InDoubt(Claim),
    /// Nothing: it was dealt with.
    Answered,
}

/// The right to work on a request, which one at a time has. Dropped before the request is answered,
/// it leaves behind what the next one has to know.
pub(super) struct Claim {
    book: Arc<Book>,
    key: RequestKey,
    left_behind: Option<State>,
}

impl Book {
    /// Claims a request, unless it is answered or claimed already.
    pub(super) fn begin(
        book: &Arc<Self>,
        key: RequestKey,
        digest: Digest,
        now_ms: i64,
    ) -> Result<Begin, Refusal> {
        let mut pages = book.pages();
        pages.forget(now_ms - REMEMBERED.as_millis() as i64);
        let claim = |left_behind| Claim {
            book: Arc::clone(book),
            key,
            left_behind,
        };
        let Some(entry) = pages.entries.get_mut(&key) else {
            pages.check_room()?;
            let entry = Entry {
                digest,
                at_ms: now_ms,
                stays: false,
                state: State::UnderWay(Vec::new()),
            };
            pages.entries.insert(key, entry);
            return Ok(Begin::New(claim(None)));
        };
        if entry.digest != digest {
            return Err(Refusal::KeyReused);
        }
        match &entry.state {
            State::UnderWay(_) => return Err(Refusal::InProgress),
            State::Answered(_) => return Ok(Begin::Answered),
            State::Intended(_) | State::InDoubt(_) => {}
        }
        let left = std::mem::replace(&mut entry.state, State::UnderWay(Vec::new()));
        let is_in_doubt = matches!(left, State::InDoubt(_));
        let claim = claim(Some(left));
        Ok(match is_in_doubt {
            true => Begin::InDoubt(claim),
            false => Begin::Intended(claim),
        })
    }

    pub(super) fn len(&self) -> usize {
        self.pages().entries.len()
    }

    /// Where records stand that are known to belong to other requests.
    pub(super) fn spans_of_others(&self, key: RequestKey) -> Vec<Span> {
        let pages = self.pages();
        let others = pages.entries.iter().filter(|(other, _)| **other != key);
        let spans = others.flat_map(|(_, entry)| match &entry.state {
            State::UnderWay(spans) => spans.as_slice(),
            State::Answered(spans) => spans,
            State::Intended(_) | State::InDoubt(_) => &[],
        });
        spans.copied().collect()
    }

    pub(super) fn load_intent(&self, key: RequestKey, mut intent: Intent) {
        let mut pages = self.pages();
        match pages.entries.get(&key).map(|entry| &entry.state) {
            // An intent that came late: its request was answered on the strength of another.
            Some(State::Answered(_)) => return,
            Some(State::InDoubt(earlier)) => intent.merge(earlier),
            _ => {}
        }
        pages.load(key, intent.digest, intent.at_ms, State::InDoubt(intent));
    }

    pub(super) fn load_settled(&self, key: RequestKey, settled: Settled) {
        let state = State::Answered(settled.spans.into());
        self.pages().load(key, settled.digest, settled.at_ms, state);
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, key: RequestKey, state: State) {
        let mut pages = self.pages();
        let Some(entry) = pages.entries.get_mut(&key) else {
            return;
        };
        entry.state = state;
        let (at_ms, stayed) = (entry.at_ms, std::mem::replace(&mut entry.stays, true));
        if !stayed {
            pages.by_age.push_back((at_ms, key));
        }
    }

    fn remove(&self, key: RequestKey) {
        self.pages().entries.remove(&key);
    }
}

impl Pages {
    fn check_room(&self) -> Result<(), Refusal> {
        let is_full = self.entries.len() >= KEYS_REMEMBERED_MAX
            || self.by_age.len() >= 2 * KEYS_REMEMBERED_MAX;
        if is_full {
            Err(Refusal::NoRoomForKey)
        } else {
            Ok(())
        }
    }

    fn load(&mut self, key: RequestKey, digest: Digest, at_ms: i64, state: State) {
        let entry = Entry {
            digest,
            at_ms,
            stays: true,
            state,
        };
        let earlier = self.entries.insert(key, entry);
        // An intent and its answer came at one time, and take one place.
        if earlier.is_none_or(|earlier| earlier.at_ms != at_ms) {
            self.by_age.push_back((at_ms, key));
        }
    }

    /// Forgets what is older; a request that is under way keeps those behind it waiting.
    fn forget(&mut self, before_ms: i64) {
        while let Some((at_ms, key)) = self.by_age.front().copied() {
            let entry = self.entries.get(&key);
            let is_current = entry.is_some_and(|entry| entry.at_ms == at_ms);
            let is_under_way = entry.is_some_and(|entry| matches!(entry.state, State::UnderWay(_)));
            if at_ms >= before_ms || is_current && is_under_way {
                return;
            }
            self.by_age.pop_front();
            if is_current {
                self.entries.remove(&key);
            }
        }
    }
}

impl Claim {
    /// When the request first came.
    pub(super) fn at_ms(&self) -> i64 {
        self.intent().map_or(0, |intent| intent.at_ms)
    }

    /// Where its records may stand.
    pub(super) fn from(&self) -> BTreeMap<String, Vec<i64>> {
        self.intent()
            .map(|intent| intent.from.clone())
            .unwrap_or_default()
    }

    pub(super) fn intended(&mut self, intent: Intent) {
        self.left_behind = Some(State::Intended(intent));
    }

    /// From now on its records may stand.
    pub(super) fn in_doubt(&mut self) {
        self.left_behind = self.left_behind.take().map(|state| match state {
            State::Intended(intent) => State::InDoubt(intent),
            other => other,
        });
    }

    /// It has turned out that none of them does, nor will.
    pub(super) fn certainly_unwritten(&mut self) {
        self.left_behind = self.left_behind.take().map(|state| match state {
            State::InDoubt(intent) => State::Intended(intent),
            other => other,
        });
    }

    /// These records are its own: nobody else may take them for theirs.
    pub(super) fn found(&self, spans: Vec<Span>) {
        let mut pages = self.book.pages();
        if let Some(entry) = pages.entries.get_mut(&self.key) {
            entry.state = State::UnderWay(spans);
        }
    }

    pub(super) fn answer_record(&self, spans: &[Span]) -> Option<Outgoing> {
        let intent = self.intent()?;
        Some(journal::answer_record(self.key, intent, spans))
    }

    /// Settles the request: its records stand there.
    pub(super) fn answered(mut self, spans: Vec<Span>) {
        self.left_behind = Some(State::Answered(spans.into()));
    }

    fn intent(&self) -> Option<&Intent> {
        match &self.left_behind {
            Some(State::Intended(intent) | State::InDoubt(intent)) => Some(intent),
            _ => None,
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        match self.left_behind.take() {
            Some(state) => self.book.put(self.key, state),
            None => self.book.remove(self.key),
        }
    }
}

#[cfg(test)]
mod tests;
