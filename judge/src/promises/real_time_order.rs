//! Promise 2. After the opening, who was answered before another's enter was sent stands before
//! them.

use std::collections::HashMap;

use crate::verdict::{Promise::RealTimeOrder as THIS, Verdict};

/// What was answered when each entry was asked for.
#[derive(Default)]
pub struct RealTime {
    highest: Option<(u64, u32)>,
    floors: HashMap<u32, (u64, u32)>,
}

impl RealTime {
    /// An entry is asked for: it stands behind the highest position that was answered by now.
    pub fn enters(&mut self, entry: u32) {
        match self.highest {
            Some(highest) => self.floors.insert(entry, highest),
            None => self.floors.remove(&entry),
        };
    }

    /// It is answered with this position.
    pub fn told(&mut self, entry: u32, position: u64, verdict: &mut Verdict) {
        if let Some((before, other)) = self.floors.get(&entry).copied() {
            verdict.observe(THIS, 1);
            if position <= before {
                let both = (verdict.name(entry), verdict.name(other));
                let evidence = format!(
                    "{} was asked for after {} was answered, and stands at {position}, not behind \
                     {before} (0-based)",
                    both.0, both.1
                );
                verdict.broken(THIS, evidence);
            }
        }
        if self.highest.is_none_or(|(highest, _)| highest < position) {
            self.highest = Some((position, entry));
        }
    }
}
