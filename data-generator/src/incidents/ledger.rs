//! Records the sent events of each incident, and determines when the incident ends.

use std::collections::BTreeMap;

use model::event::{PurchaseEvent, TypedEvent};
use model::time::Timestamp;

use super::truth::{Incident, Subject};
use crate::event::{Event, Topic};

/// The condition that ends an incident.
#[derive(Clone, Copy)]
pub(crate) enum Ending {
    /// The incident ends when this many of its events have been sent.
    AfterEvents(usize),
    /// The incident ends when any event is sent after this time.
    After(Timestamp),
}

/// The open incidents by number, and the ended incidents that have not been taken yet.
#[derive(Default)]
pub(crate) struct Ledger {
    open: BTreeMap<u64, Entry>,
    ended: Vec<Incident>,
}

struct Entry {
    subject: Subject,
    ending: Ending,
    /// The times of the first and the last sent event.
    span: Option<(Timestamp, Timestamp)>,
    /// The time at which the evidence is complete, as soon as it is known.
    detectable: Option<Timestamp>,
    transactions: Vec<(Timestamp, String)>,
}

impl Ledger {
    /// Opens an incident. `since` is its start if it starts before its first event. `detectable` is the time at which
    /// its evidence is complete, if this is already known.
    pub(crate) fn open(
        &mut self,
        number: u64,
        subject: Subject,
        ending: Ending,
        since: Option<Timestamp>,
        detectable: Option<Timestamp>,
    ) {
        let entry = Entry {
            subject,
            ending,
            span: since.map(|since| (since, since)),
            detectable,
            transactions: Vec::new(),
        };
        self.open.insert(number, entry);
    }

    /// Records the time at which the evidence of an open incident is complete. Only the first call counts.
    pub(crate) fn evident(&mut self, number: u64, time: Timestamp) {
        if let Some(entry) = self.open.get_mut(&number) {
            entry.detectable.get_or_insert(time);
        }
    }

    /// Records that an event is sent, whether it belongs to an incident or not.
    pub(crate) fn sent(&mut self, event: &Event) {
        if let Some(number) = event.incident
            && let Some(entry) = self.open.get_mut(&number)
        {
            entry.note(event);
        }
        let sent_at = Timestamp::from_millis(event.emitted_ms);
        let over = self.open.extract_if(.., |_, entry| entry.is_over(sent_at));
        let over: Vec<Entry> = over.map(|(_, entry)| entry).collect();
        let ended = over.iter().filter_map(|entry| entry.incident(true));
        self.ended.extend(ended);
    }

    /// Returns the incidents that have ended since the last call.
    pub(crate) fn ended(&mut self) -> Vec<Incident> {
        std::mem::take(&mut self.ended)
    }

    /// Returns the ground truth so far about the incidents that have not ended.
    pub(crate) fn unfinished(&self) -> Vec<Incident> {
        let entries = self.open.values();
        entries.filter_map(|entry| entry.incident(false)).collect()
    }
}

impl Entry {
    fn note(&mut self, event: &Event) {
        let time = Timestamp::from_millis(event.event_ms);
        let (start, end) = self.span.unwrap_or((time, time));
        self.span = Some((start.min(time), end.max(time)));
        if let Ending::AfterEvents(left) = &mut self.ending {
            *left = left.saturating_sub(1);
        }
        if event.topic == Topic::PurchaseEvents
            && let Ok(purchase) = PurchaseEvent::parse(&event.value)
        {
            let id = purchase.transaction_id.to_string();
            self.transactions.push((time, id));
        }
    }

    fn is_over(&self, sent_at: Timestamp) -> bool {
        match self.ending {
            Ending::AfterEvents(left) => left == 0,
            Ending::After(last) => sent_at > last,
        }
    }

    /// Returns the ground truth so far; `None` if the incident has not started.
    fn incident(&self, complete: bool) -> Option<Incident> {
        let (start, end) = self.span?;
        let mut subject = self.subject.clone();
        if let Subject::Fraud {
            transaction_ids, ..
        } = &mut subject
        {
            let mut transactions = self.transactions.clone();
            transactions.sort();
            transaction_ids.extend(transactions.into_iter().map(|(_, id)| id));
            transaction_ids.dedup();
        }
        Some(Incident {
            subject,
            start,
            end,
            detectable: self.detectable,
            complete,
        })
    }
}
