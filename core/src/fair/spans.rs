//! Spans of time, joined where they meet: whether a moment is in any of them takes one look.

use std::collections::BTreeMap;

use crate::UnixMillis;

/// Spans by their first moment, each with its last. No two touch.
#[derive(Default)]
pub struct Spans(BTreeMap<UnixMillis, UnixMillis>);

impl Spans {
    /// Adds the moments from `first` to `last`, both included; none where `last` is before `first`.
    pub fn add(&mut self, first: UnixMillis, last: UnixMillis) {
        if last < first {
            return;
        }
        let (mut from, mut to) = (first, last);
        let before = self.0.range(..=first).next_back();
        if let Some((start, end)) = before.map(|(start, end)| (*start, *end))
            && end.saturating_add(1) >= first
        {
            if end >= last {
                return;
            }
            from = start;
        }
        loop {
            let next = self.0.range(from..=to.saturating_add(1)).next();
            let Some((start, end)) = next.map(|(start, end)| (*start, *end)) else {
                break;
            };
            to = to.max(end);
            self.0.remove(&start);
        }
        self.0.insert(from, to);
    }

    /// Whether a moment is in one of them.
    pub fn hold(&self, moment: UnixMillis) -> bool {
        let before = self.0.range(..=moment).next_back();
        before.is_some_and(|(_, last)| moment <= *last)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_moment_is_in_them_if_it_is_in_one(
            added in proptest::collection::vec((0..40_u64, 0..40_u64), 0..20),
        ) {
            let mut spans = Spans::default();
            for (first, last) in &added {
                spans.add(*first, *last);
            }
            for moment in 0..42 {
                let within = added.iter().any(|(first, last)| (*first..=*last).contains(&moment));
                prop_assert_eq!(spans.hold(moment), within, "{} of {:?}", moment, added);
            }
            let starts: Vec<_> = spans.0.iter().collect();
            prop_assert!(starts.windows(2).all(|pair| *pair[1].0 > pair[0].1.saturating_add(1)), "they touch");
        }
    }
}
