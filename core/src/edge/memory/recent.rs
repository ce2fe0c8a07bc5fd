//! Values that are known for a while, of a bounded number of things.

use std::collections::BTreeMap;

use crate::UnixMillis;

/// How many things are remembered, unless a kind says otherwise; then the older half is forgotten.
const REMEMBERED_MAX: usize = 8_192;

/// See the module's documentation.
pub(in crate::edge) struct Recent<K, V> {
    most: usize,
    young: BTreeMap<K, (V, UnixMillis)>,
    old: BTreeMap<K, (V, UnixMillis)>,
}

impl<K, V> Default for Recent<K, V> {
    fn default() -> Self {
        Self::of_at_most(REMEMBERED_MAX)
    }
}

impl<K, V> Recent<K, V> {
    pub(in crate::edge) const fn of_at_most(most: usize) -> Self {
        Self {
            most,
            young: BTreeMap::new(),
            old: BTreeMap::new(),
        }
    }
}

impl<K: Copy + Ord, V> Recent<K, V> {
    pub(in crate::edge) fn get(&self, key: K, now: UnixMillis) -> Option<&V> {
        let (value, until) = self.young.get(&key).or_else(|| self.old.get(&key))?;
        (now < *until).then_some(value)
    }

    /// What is known, which is forgotten.
    pub(in crate::edge) fn take(&mut self, key: K, now: UnixMillis) -> Option<V> {
        let young = self.young.remove(&key);
        let old = self.old.remove(&key);
        let (value, until) = young.or(old)?;
        (now < until).then_some(value)
    }

    pub(in crate::edge) fn put(&mut self, key: K, value: V, until: UnixMillis) {
        if self.young.len() >= self.most / 2 && !self.young.contains_key(&key) {
            self.old = core::mem::take(&mut self.young);
        }
        self.young.insert(key, (value, until));
    }

    pub(in crate::edge) fn forget(&mut self, key: K) {
        self.young.remove(&key);
        self.old.remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bounded_number_is_remembered_the_latest_first() {
        let mut recent = Recent::default();
        let count = 10 * REMEMBERED_MAX;
        for key in 0..count {
            recent.put(key, (), 1_000);
        }
        assert!(recent.young.len() + recent.old.len() <= REMEMBERED_MAX);
        assert_eq!(recent.get(count - 1, 999), Some(&()));
        assert_eq!(recent.get(count - 2_000, 999), Some(&()));
        assert_eq!(recent.get(count - 1, 1_000), None);
        assert_eq!(recent.get(0, 999), None);
    }
}
