//! The shop's configuration, from the environment.

use core::fmt;

use tidegate_origin::QueueId;

/// What the shop is told at start.
#[derive(Clone)]
pub struct Settings {
    /// `PORT`: where it listens on 127.0.0.1; 0 takes any free port. 8788, unless set.
    pub port: u16,
    /// `TIDEGATE_URL`: where the edge is reached, by this shop and by shoppers.
    /// `http://127.0.0.1:8787`, unless set.
    pub edge_url: String,
    /// `TIDEGATE_ORIGIN_KEY`: one of the edge's `ORIGIN_KEYS`. It has no default.
    pub origin_key: String,
    /// `TIDEGATE_ISSUER`: the edge's `ISSUER`. The edge's URL, unless set.
    pub issuer: String,
    /// `TIDEGATE_QUEUE`: the queue that leads to this shop's checkout. `demo`, unless set.
    pub queue: QueueId,
    /// `TIDEGATE_AUDIENCE`: the queue's `audience`. The queue's id, unless set.
    pub audience: String,
}

/// A setting that is missing or makes no sense.
#[derive(Debug, PartialEq, Eq)]
pub struct BadSetting {
    name: &'static str,
    remedy: &'static str,
}

impl fmt::Display for BadSetting {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.name, self.remedy)
    }
}

impl core::error::Error for BadSetting {}

impl Settings {
    /// Reads the settings; `variable` gives an environment variable's value.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, BadSetting> {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let or = |name: &str, default: &str| set(name).unwrap_or_else(|| default.to_owned());
        let bad = |name, remedy| BadSetting { name, remedy };
        let edge_url = or("TIDEGATE_URL", "http://127.0.0.1:8787")
            .trim_end_matches('/')
            .to_owned();
        let queue = or("TIDEGATE_QUEUE", "demo");
        Ok(Self {
            port: or("PORT", "8788")
                .parse()
                .map_err(|_| bad("PORT", "set a number up to 65535"))?,
            origin_key: set("TIDEGATE_ORIGIN_KEY")
                .ok_or_else(|| bad("TIDEGATE_ORIGIN_KEY", "set one of the edge's ORIGIN_KEYS"))?,
            issuer: or("TIDEGATE_ISSUER", &edge_url),
            audience: or("TIDEGATE_AUDIENCE", &queue),
            queue: queue
                .parse()
                .map_err(|_| bad("TIDEGATE_QUEUE", "set a queue's id, such as demo"))?,
            edge_url,
        })
    }

    /// The waiting room's path, on the host that shoppers see.
    pub fn room(&self) -> String {
        format!("/queue/{}", self.queue)
    }

    /// Whether shoppers come over https, so that cookies need to go over nothing weaker.
    pub fn is_https(&self) -> bool {
        self.edge_url.starts_with("https://")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Settings, BadSetting> {
        Settings::read(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn only_the_key_has_no_default() {
        let settings = read(&[("TIDEGATE_ORIGIN_KEY", "k"), ("TIDEGATE_QUEUE", "")]).unwrap();
        assert_eq!(settings.port, 8788);
        assert_eq!(settings.issuer, "http://127.0.0.1:8787");
        assert_eq!(settings.room(), "/queue/demo");
        assert_eq!(settings.audience, "demo");
        assert_eq!(read(&[]).err().unwrap().name, "TIDEGATE_ORIGIN_KEY");
    }

    #[test]
    fn a_setting_that_makes_no_sense_is_named() {
        for (name, value) in [("PORT", "x"), ("PORT", "65536"), ("TIDEGATE_QUEUE", "A b")] {
            let read = read(&[("TIDEGATE_ORIGIN_KEY", "k"), (name, value)]);
            assert_eq!(read.err().unwrap().name, name);
        }
    }
}
