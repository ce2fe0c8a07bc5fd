//! What a page says of waits.

use tidegate_core::view::snapshot::{Phase, Snapshot};
use tidegate_core::view::status::Standing;
use tidegate_core::view::wait::WaitRange;

use crate::fixture::{room, snapshot, status};

/// The view may be some seconds old, and others may join before: a short wait is said by a measured
/// rate, or not at all.
#[test]
fn who_may_join_is_promised_no_short_wait_that_nobody_measured() {
    let said = |phase, rate, seconds, most| {
        let snapshot = Snapshot {
            rate_per_second: rate,
            estimated_wait_seconds: seconds,
            wait_known: seconds.is_some(),
            wait_range: Some(WaitRange {
                at_least_seconds: 0,
                at_most_seconds: most,
            }),
            ..snapshot(phase)
        };
        let status = status(Standing::NotQueued, phase);
        let html = room(&snapshot, &status, None).render().unwrap();
        let (_, said) = html.split_once("<dt>Expected wait if you join now</dt><dd>")?;
        said.split_once('<').map(|(said, _)| said.to_owned())
    };
    let open = Phase::Open;
    assert_eq!(
        said(open, None, None, Some(40)),
        None,
        "four in line, seen too late"
    );
    assert_eq!(
        said(open, None, Some(0), Some(40)).as_deref(),
        Some("nobody is in line just now")
    );
    assert!(
        said(open, None, None, Some(1_200)).is_some(),
        "a long bound is a bound"
    );
    assert!(
        said(open, Some(1.0), Some(30), Some(40)).is_some(),
        "a measured one may be short"
    );
    assert_eq!(said(Phase::Paused, Some(1.0), Some(30), Some(40)), None);
}
