//! What happens when: a wheel of one slot a millisecond, and a list for what lies beyond it. Things
//! of one millisecond happen in the order in which they were put down.

use std::collections::BTreeMap;

/// Slots of the wheel: a power of two, longer than the pause between any two polls.
const SLOTS: usize = 1 << 18;

/// Things of type `T` by their time in milliseconds.
pub struct Agenda<T> {
    wheel: Vec<Vec<T>>,
    beyond: BTreeMap<u64, Vec<T>>,
    now: u64,
    /// The things of this millisecond, and how many of them have happened.
    current: Vec<T>,
    done: usize,
    in_wheel: usize,
}

impl<T: Copy> Agenda<T> {
    /// An empty agenda at time 0.
    pub fn new() -> Self {
        Self {
            wheel: (0..SLOTS).map(|_| Vec::new()).collect(),
            beyond: BTreeMap::new(),
            now: 0,
            current: Vec::new(),
            done: 0,
            in_wheel: 0,
        }
    }

    /// The time of what happened last.
    pub fn now(&self) -> u64 {
        self.now
    }

    /// Puts a thing down for so many milliseconds from now.
    pub fn after(&mut self, delay: u64, thing: T) {
        let at = self.now + delay;
        if delay == 0 {
            self.current.push(thing);
        } else if delay < SLOTS as u64 {
            if let Some(slot) = self.wheel.get_mut(slot_of(at)) {
                slot.push(thing);
                self.in_wheel += 1;
            }
        } else {
            self.beyond.entry(at).or_default().push(thing);
        }
    }

    /// The next thing; time moves to it.
    pub fn next(&mut self) -> Option<T> {
        loop {
            if let Some(thing) = self.current.get(self.done) {
                self.done += 1;
                return Some(*thing);
            }
            self.done = 0;
            self.now = if self.in_wheel > 0 {
                self.now + 1
            } else {
                *self.beyond.first_key_value()?.0
            };
            // Room is given back: a busy millisecond would keep it for a whole turn of the wheel.
            self.current = self
                .wheel
                .get_mut(slot_of(self.now))
                .map(core::mem::take)
                .unwrap_or_default();
            self.in_wheel -= self.current.len();
            if let Some(first) = self.beyond.first_entry()
                && *first.key() == self.now
            {
                let mut earlier = first.remove();
                earlier.append(&mut self.current);
                self.current = earlier;
            }
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the low bits are meant")]
const fn slot_of(at: u64) -> usize {
    at as usize & (SLOTS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_happen_by_time_and_then_in_the_order_they_were_put_down() {
        let mut agenda = Agenda::new();
        for (at, name) in [
            (5, 'c'),
            (900_000, 'f'),
            (0, 'a'),
            (5, 'd'),
            (0, 'b'),
            (300_000, 'e'),
        ] {
            agenda.after(at, name);
        }
        let mut seen = String::new();
        let mut times = Vec::new();
        while let Some(name) = agenda.next() {
            seen.push(name);
            times.push(agenda.now());
            if name == 'd' {
                // What is put down for later than something far away comes after it.
                agenda.after(899_996, 'g');
            }
        }
        assert_eq!(seen, "abcdefg");
        assert_eq!(times, [0, 0, 5, 5, 300_000, 900_000, 900_001]);
    }
}
