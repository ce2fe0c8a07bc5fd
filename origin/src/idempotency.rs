//! The key that makes a repeated redemption the same redemption.

use core::str::FromStr;

use tidegate_core::hex::hex;

use crate::error::ConfigError;

/// The longest key.
const KEY_MAX: usize = 128;

/// Names one attempt to redeem: redeeming the same token again with the same key gives the same
/// admission again, where any other attempt is refused.
///
/// [`Edge::redeem`](crate::Edge::redeem) makes one for each call, which covers lost replies. Keep
/// your own, written down before the call, where a crash of your process must not lose the
/// admission either. Make it random, as [`IdempotencyKey::random`] does: a key that can
/// be computed from the token lets another redeem twice.
///
/// ```
/// # fn main() -> Result<(), tidegate_origin::ConfigError> {
/// let key: tidegate_origin::IdempotencyKey = "3f0c9a7e51d24b6f8e1d0c2b4a697887".parse()?;
/// assert_eq!(key.as_str().len(), 32);
/// # Ok(()) }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// A fresh key of 128 random bits.
    pub fn random() -> Result<Self, ConfigError> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|_| ConfigError::NoRandomness)?;
        Ok(Self(hex(&bytes)))
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IdempotencyKey {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let valid =
            (1..=KEY_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(ConfigError::InvalidIdempotencyKey)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_holds_only_what_a_header_can_carry() {
        assert!("order-17".parse::<IdempotencyKey>().is_ok());
        for bad in ["", "a b", "a\r\nb", "ä", &"x".repeat(KEY_MAX + 1)] {
            assert!(bad.parse::<IdempotencyKey>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn random_keys_differ() {
        let [a, b] = [
            IdempotencyKey::random().unwrap(),
            IdempotencyKey::random().unwrap(),
        ];
        assert_ne!(a.as_str(), b.as_str());
    }
}
