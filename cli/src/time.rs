//! Times as people write them. All are UTC, to the second.

use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Utc};
use tidegate_core::UnixMillis;

/// The system's time.
pub fn now() -> UnixMillis {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| since.as_millis().try_into().ok())
        .unwrap_or_default()
}

/// `2026-11-20 14:03:22`.
pub fn utc(at: UnixMillis) -> String {
    format(at, "%F %T")
}

/// `2026-11-20`.
pub fn date(at: UnixMillis) -> String {
    format(at, "%F")
}

/// Reads RFC 3339, such as `2026-11-20T18:00:00Z` or `2026-11-20T19:00:00+01:00`.
pub fn parse(text: &str) -> Option<UnixMillis> {
    let time = DateTime::parse_from_rfc3339(text).ok()?;
    time.timestamp_millis().try_into().ok()
}

fn format(at: UnixMillis, pattern: &str) -> String {
    i64::try_from(at)
        .ok()
        .and_then(DateTime::<Utc>::from_timestamp_millis)
        .map_or_else(|| at.to_string(), |time| time.format(pattern).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_reads_back() {
        let at = parse("2026-11-20T19:00:00+01:00").unwrap();
        assert_eq!(at, 1_795_197_600_000);
        assert_eq!(utc(at), "2026-11-20 18:00:00");
        assert_eq!(date(at), "2026-11-20");
        assert_eq!(parse("2026-11-20"), None);
        assert_eq!(utc(UnixMillis::MAX), UnixMillis::MAX.to_string());
    }
}
