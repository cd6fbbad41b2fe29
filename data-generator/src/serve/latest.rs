//! A running world from which the latest event of each kind can be taken once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use client::now_ms;
use tokio::sync::{Notify, watch};
use tokio::time::sleep;

use crate::event::{Event, Topic};
use crate::world::World;

/// The interval at which the world looks for due events.
const TICK: Duration = Duration::from_millis(10);

/// The latest event of each topic.
pub(super) struct Latest {
    slots: Arc<BTreeMap<Topic, LatestEvent>>,
    stop: watch::Receiver<bool>,
}

/// The latest event of a topic until it is taken.
#[derive(Default)]
struct LatestEvent {
    event: Mutex<Option<Event>>,
    filled: Notify,
}

impl Latest {
    /// Runs the world from now until `stop`.
    pub(super) fn of(world: World, stop: watch::Receiver<bool>) -> Self {
        let slots = Topic::TELEMETRY.map(|topic| (topic, LatestEvent::default()));
        let slots = Arc::new(BTreeMap::from(slots));
        tokio::spawn(pass(world, Arc::clone(&slots), stop.clone()));
        Self { slots, stop }
    }

    /// Takes the latest event of a topic. If it has been taken before, waits for the next one. Returns `None` once the
    /// world is stopped.
    pub(super) async fn take(&self, topic: Topic) -> Option<Event> {
        let slot = self.slots.get(&topic)?;
        let mut stop = self.stop.clone();
        loop {
            if let Some(event) = slot.take() {
                return Some(event);
            }
            tokio::select! {
                () = slot.filled.notified() => {}
                _ = stop.wait_for(|stopped| *stopped) => return None,
            }
        }
    }
}

impl LatestEvent {
    fn take(&self) -> Option<Event> {
        self.lock().take()
    }

    fn put(&self, event: Event) {
        *self.lock() = Some(event);
        self.filled.notify_one();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Event>> {
        self.event.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn pass(
    mut world: World,
    slots: Arc<BTreeMap<Topic, LatestEvent>>,
    stop: watch::Receiver<bool>,
) {
    let mut next = world.next();
    while !*stop.borrow() {
        while let Some(event) = next.take_if(|event| event.emitted_ms <= now_ms()) {
            if let Some(slot) = slots.get(&event.topic) {
                slot.put(event);
            }
            next = world.next();
        }
        // The ground truth about incidents is not served; drop it so that it does not accumulate.
        drop(world.ended_incidents());
        sleep(TICK).await;
    }
}
