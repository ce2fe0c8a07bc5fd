//! What happens when: a wheel of one slot a millisecond, and a list for what lies beyond it. Things
//! of one millisecond happen in the order in which they were put down.

use std::collections::BTreeMap;

/// Slots of the wheel: a power of two, longer than the pause between any two polls.
const SLOTS: usize = 1 << 18;
/// How many things lie together: with the simulator's, a chunk is 128 bytes.
const TOGETHER: usize = 5;
/// No chunk.
const NONE: u32 = u32::MAX;

/// Things of type `T` by their time in milliseconds.
pub struct Agenda<T> {
    /// For each millisecond the chunk of what was put down last for it. A slot is four bytes, so
    /// that all of them stay near the processor.
    wheel: Vec<u32>,
    chunks: Vec<Chunk<T>>,
    free: Vec<u32>,
    beyond: BTreeMap<u64, Vec<T>>,
    now: u64,
    /// The things of this millisecond, and how many of them have happened.
    current: Vec<T>,
    done: usize,
    in_wheel: usize,
}

/// Some things of one time, and the chunk of those that were put down before them.
struct Chunk<T> {
    things: [Option<T>; TOGETHER],
    count: u32,
    before: u32,
}

impl<T: Copy> Agenda<T> {
    /// An empty agenda at time 0.
    pub fn new() -> Self {
        Self {
            wheel: vec![NONE; SLOTS],
            chunks: Vec::new(),
            free: Vec::new(),
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
            self.put(slot_of(at), thing);
        } else {
            self.beyond.entry(at).or_default().push(thing);
        }
    }

    fn put(&mut self, slot: usize, thing: T) {
        let Some(last) = self.wheel.get_mut(slot) else {
            return;
        };
        self.in_wheel += 1;
        if let Some(chunk) = self.chunks.get_mut(*last as usize)
            && let Some(place) = chunk.things.get_mut(chunk.count as usize)
        {
            *place = Some(thing);
            chunk.count += 1;
            return;
        }
        let free = self.free.pop().unwrap_or_else(|| {
            self.chunks.push(Chunk {
                things: [None; TOGETHER],
                count: 0,
                before: NONE,
            });
            u32::try_from(self.chunks.len() - 1).unwrap_or(NONE)
        });
        if let Some(chunk) = self.chunks.get_mut(free as usize)
            && let Some(place) = chunk.things.first_mut()
        {
            *place = Some(thing);
            (chunk.count, chunk.before) = (1, core::mem::replace(last, free));
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
            self.current.clear();
            self.now = if self.in_wheel > 0 {
                self.now + 1
            } else {
                *self.beyond.first_key_value()?.0
            };
            if let Some(first) = self.beyond.first_entry()
                && *first.key() == self.now
            {
                self.current = first.remove();
            }
            self.take_out(slot_of(self.now));
        }
    }

    /// Takes what lies in a slot out of the wheel.
    fn take_out(&mut self, slot: usize) {
        let Some(slot) = self.wheel.get_mut(slot) else {
            return;
        };
        let mut number = core::mem::replace(slot, NONE);
        let before = self.current.len();
        // The last comes first, and all are turned round in the end.
        while let Some(chunk) = self.chunks.get(number as usize) {
            self.current.extend(
                chunk
                    .things
                    .iter()
                    .take(chunk.count as usize)
                    .rev()
                    .flatten(),
            );
            self.free.push(number);
            number = chunk.before;
        }
        if let Some(taken) = self.current.get_mut(before..) {
            self.in_wheel -= taken.len();
            taken.reverse();
        }
    }

    /// What happens next in this millisecond, where it has just begun.
    pub fn begins(&self) -> &[T] {
        if self.done == 1 { &self.current } else { &[] }
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
