//! How many spans of time overlap.

/// The first beginning after `since` at which more than `most` of the spans overlap, and how many
/// do. A span ends just before its end: at one moment, an end comes before a beginning.
pub fn exceeds(
    spans: impl IntoIterator<Item = (u64, u64)>,
    most: u64,
    since: u64,
) -> Option<(u64, u64)> {
    let lasting = spans.into_iter().filter(|(from, to)| from < to);
    let mut edges: Vec<(u64, bool)> = lasting
        .flat_map(|(from, to)| [(from, true), (to, false)])
        .collect();
    edges.sort_unstable();
    let mut open = 0_u64;
    for (at, begins) in edges {
        if begins {
            open += 1;
        } else {
            open -= 1;
        }
        if begins && open > most && at > since {
            return Some((at, open));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_that_touch_do_not_overlap() {
        let spans = [(1, 3), (3, 4), (2, 3), (3, 3)];
        assert_eq!(exceeds(spans, 1, 0), Some((2, 2)));
        assert_eq!(exceeds(spans, 2, 0), None);
        assert_eq!(exceeds(spans, 1, 2), None);
    }
}
