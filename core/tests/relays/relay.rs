//! A Relay object with its sockets, each with what it was told.

use serde_json::Value;
use tidegate_core::UnixMillis;
use tidegate_core::calls::RelayName;
use tidegate_core::relay::{Effect, Event, Relay, is_silent, next_sweep};

use super::world::CAPACITY;

pub struct Socket {
    pub snapshot: Value,
    pub notice: Value,
    /// Since when it sends no pings.
    pub silent_since: Option<UnixMillis>,
}

pub struct RelayObject {
    name: RelayName,
    memory: Option<Relay>,
    pub sockets: Vec<Socket>,
    pub alarm: Option<UnixMillis>,
    pub touched_at: UnixMillis,
    /// When this memory sent each snapshot and each notice.
    pub snapshots_at: Vec<UnixMillis>,
    pub notices_at: Vec<UnixMillis>,
    /// When this memory asked the queue.
    pub asked_at: Vec<UnixMillis>,
}

impl RelayObject {
    pub fn new(name: RelayName) -> Self {
        Self {
            name,
            memory: None,
            sockets: Vec::new(),
            alarm: None,
            touched_at: 0,
            snapshots_at: Vec::new(),
            notices_at: Vec::new(),
            asked_at: Vec::new(),
        }
    }

    pub fn name(&self) -> &RelayName {
        &self.name
    }

    pub fn memory(&mut self) -> &mut Relay {
        let count = self.count();
        let name = &self.name;
        self.memory
            .get_or_insert_with(|| Relay::new(name.clone(), CAPACITY, count))
    }

    pub fn count(&self) -> u32 {
        u32::try_from(self.sockets.len()).unwrap()
    }

    pub fn happen(&mut self, event: Event, now: UnixMillis) {
        self.touched_at = now;
        if matches!(event, Event::Pushed(_) | Event::Over(_)) {
            let count = self.count();
            self.memory().counted(count);
        }
        for effect in self.memory().handle(event, now) {
            match effect {
                Effect::Send(message) => self.send(&message, now),
                Effect::CloseAll(_) => self.sockets.clear(),
            }
        }
    }

    fn send(&mut self, message: &str, now: UnixMillis) {
        let told: Value = serde_json::from_str(message).unwrap();
        let (pace, sent_at) = match told["type"].as_str().unwrap() {
            "snapshot" => (1_000, &mut self.snapshots_at),
            "notice" => (250, &mut self.notices_at),
            other => panic!("{other}"),
        };
        if let Some(last) = sent_at.last() {
            assert!(
                now - last >= pace,
                "{} after {} ms",
                told["type"],
                now - last
            );
        }
        sent_at.push(now);
        for socket in &mut self.sockets {
            socket.notice = told["notice"].clone();
            if told["type"] == "snapshot" {
                socket.snapshot = told.clone();
            }
        }
    }

    /// A relay asks once a second, and once more where it begins to hold sockets.
    pub fn asks(&mut self, now: UnixMillis) {
        let lately = self.asked_at.iter().filter(|at| now - **at < 1_000);
        assert!(lately.count() < 2, "{:?} and {now}", self.asked_at);
        self.asked_at.push(now);
    }

    pub fn greet(&mut self, greeting: &str, now: UnixMillis) {
        let snapshot: Value = serde_json::from_str(greeting).unwrap();
        self.sockets.push(Socket {
            notice: snapshot["notice"].clone(),
            snapshot,
            silent_since: None,
        });
        self.touched_at = now;
        self.alarm.get_or_insert(next_sweep(now, now));
    }

    pub fn disconnect(&mut self, socket: usize, now: UnixMillis) {
        self.sockets.remove(socket);
        self.touched_at = now;
        if let Some(memory) = &mut self.memory {
            memory.closed();
        }
    }

    /// Closes what is silent; whether sockets are left.
    pub fn sweep(&mut self, now: UnixMillis) -> bool {
        self.touched_at = now;
        self.alarm = None;
        self.sockets
            .retain(|socket| !is_silent(socket.silent_since.unwrap_or(now), now));
        let count = self.count();
        self.memory().counted(count);
        let silent_since = self.sockets.iter().filter_map(|socket| socket.silent_since);
        if count > 0 {
            self.alarm = Some(next_sweep(silent_since.min().unwrap_or(now - 25_000), now));
        }
        count > 0
    }

    pub fn next_timeout(&self) -> Option<UnixMillis> {
        self.memory.as_ref().and_then(Relay::next_timeout)
    }

    /// Memory is gone; sockets stay, for the platform lets only those sleep that wait for nothing.
    pub fn sleep_if_idle(&mut self, now: UnixMillis) {
        if self.next_timeout().is_none() && now >= self.touched_at + 10_000 {
            self.forget();
        }
    }

    /// Memory and sockets are gone. The alarm stays.
    pub fn crash(&mut self) {
        self.sockets.clear();
        self.forget();
    }

    fn forget(&mut self) {
        self.memory = None;
        self.asked_at.clear();
        self.snapshots_at.clear();
        self.notices_at.clear();
    }
}
