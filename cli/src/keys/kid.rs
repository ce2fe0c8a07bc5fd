//! Key ids: the day a key was made on and, in base 32, the time of that day. So they tell a key's
//! age to a reader, and sort by it, which is how the newest key of a list is found.

use core::fmt;
use core::str::FromStr;

use tidegate_core::UnixMillis;

use crate::time;

/// The parts that four digits in base 32 divide a day into.
const TICKS: u64 = 1 << 20;
const DAY_MILLIS: u64 = 86_400_000;

/// `2026-11-20-c3f0`. Orders by age.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kid {
    date: String,
    tick: u64,
}

impl Kid {
    /// The kid of a key that is made now and is to be newer than `newest`. `None` where the clock
    /// is behind that one.
    pub fn new(now: UnixMillis, newest: Option<&Self>) -> Option<Self> {
        let date = time::date(now);
        let millis = now.checked_rem(DAY_MILLIS)?;
        let tick = millis.saturating_mul(TICKS).checked_div(DAY_MILLIS)?;
        let tick = match newest {
            Some(newest) if newest.date > date => return None,
            Some(newest) if newest.date == date => tick.max(newest.tick.saturating_add(1)),
            _ => tick,
        };
        (tick < TICKS).then_some(Self { date, tick })
    }
}

impl FromStr for Kid {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (date, digits) = text.rsplit_once('-').ok_or(())?;
        let dated = date.len() == 10
            && date.bytes().enumerate().all(|(place, byte)| match place {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        let in_base = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'v');
        if !dated || digits.len() != 4 || !digits.bytes().all(in_base) {
            return Err(());
        }
        Ok(Self {
            date: date.to_owned(),
            tick: u64::from_str_radix(digits, 32).map_err(|_| ())?,
        })
    }
}

impl fmt::Display for Kid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-", self.date)?;
        for shift in [15, 10, 5, 0] {
            let digit = u32::try_from((self.tick >> shift) & 31).unwrap_or_default();
            write!(
                formatter,
                "{}",
                char::from_digit(digit, 32).unwrap_or_default()
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: UnixMillis = 1_795_176_000_000;

    #[test]
    fn a_kid_is_the_date_and_reads_back() {
        let kid = Kid::new(NOON, None).unwrap();
        assert_eq!(kid.to_string(), "2026-11-20-g000");
        assert_eq!("2026-11-20-g000".parse(), Ok(kid));
    }

    #[test]
    fn each_kid_sorts_after_the_one_before_as_text_too() {
        let mut kid = Kid::new(NOON, None).unwrap();
        for later in [0, 0, 1, 90, 50, DAY_MILLIS, 3 * DAY_MILLIS] {
            let next = Kid::new(NOON + later, Some(&kid)).unwrap();
            assert!(next > kid && next.to_string() > kid.to_string(), "{next}");
            kid = next;
        }
    }

    #[test]
    fn a_clock_that_went_back_makes_no_kid() {
        let tomorrow = Kid::new(NOON + DAY_MILLIS, None);
        assert_eq!(Kid::new(NOON, tomorrow.as_ref()), None);
        let last: Kid = "2026-11-20-vvvv".parse().unwrap();
        assert_eq!(Kid::new(NOON, Some(&last)), None);
    }

    #[test]
    fn other_kids_are_left_to_others() {
        for text in [
            "",
            "dev-1",
            "2026-11-20",
            "2026-11-20-",
            "2026-11-20-G000",
            "2026-11-20-g0000",
            "2026-11-20-g00z",
            "2026-1-120-g000",
            "x026-11-20-g000",
        ] {
            assert_eq!(text.parse::<Kid>(), Err(()), "{text}");
        }
    }
}
