//! A queue's configuration: what an operator may say, with defaults, and what of it may change once
//! shoppers are in line. A [`QueueConfig`] in hand is always valid.

mod changes;
mod values;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::UnixMillis;
use crate::ids::QueueId;
use crate::problem::{Code, Problem};
use crate::reading;

pub use crate::terms::Access;

/// The most live admissions one queue object keeps in memory.
pub const MAX_ACTIVE: u32 = 100_000;
/// The highest admission rate.
const MAX_RATE: u32 = 1_000_000;
/// The latest time that is still an exact integer everywhere: JSON, JavaScript and `SQLite`
/// bindings.
pub const MAX_TIME: UnixMillis = 1 << 53;

/// What "only once" goes by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UniqueBy {
    /// The client's own entry key.
    #[default]
    Shopper,
    /// An identity that the merchant signed.
    Identity,
}

/// What a shopper must show to enter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Requirement {
    /// A Cloudflare Turnstile token.
    Turnstile,
    /// A solved proof-of-work challenge.
    ProofOfWork,
    /// An invitation.
    Invite,
}

/// Where public randomness comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Beacon {
    /// The drand network.
    Drand,
}

/// What is on sale, for the pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Product {
    /// Its name, 1 to 200 characters.
    pub name: String,
    /// Its page's path at the shop.
    pub path: String,
    /// A picture's path at the shop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
}

/// A queue's configuration, as `PUT` takes it and `GET` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[expect(
    missing_docs,
    reason = "the fields are described in docs/http.md, with units and defaults"
)]
pub struct QueueConfig {
    pub access: Access,
    pub entry_opens_at: Option<UnixMillis>,
    pub opens_at: Option<UnixMillis>,
    pub closes_at: Option<UnixMillis>,
    pub max_participants: Option<u64>,
    pub admit_rate_per_minute: Option<u32>,
    pub max_active: Option<u32>,
    pub max_admissions: Option<u64>,
    pub handoff_seconds: u32,
    pub session_seconds: u32,
    pub max_session_seconds: u32,
    pub claim_window_seconds: u32,
    pub lanes: u16,
    pub unique_by: UniqueBy,
    pub requires: Vec<Requirement>,
    pub checkout_url: String,
    pub audience: String,
    pub allowed_origins: Vec<String>,
    pub product: Option<Product>,
    pub beacon: Option<Beacon>,
}

impl Default for QueueConfig {
    fn default() -> Self {
        Self {
            access: Access::Queue,
            entry_opens_at: None,
            opens_at: None,
            closes_at: None,
            max_participants: None,
            admit_rate_per_minute: None,
            max_active: None,
            max_admissions: None,
            handoff_seconds: 120,
            session_seconds: 600,
            max_session_seconds: 3600,
            claim_window_seconds: 86_400,
            lanes: 4,
            unique_by: UniqueBy::Shopper,
            requires: Vec::new(),
            checkout_url: String::from("/checkout"),
            // Each queue's own: `QueueConfig::parse` fills it in.
            audience: String::new(),
            allowed_origins: Vec::new(),
            product: None,
            beacon: None,
        }
    }
}

impl QueueConfig {
    /// Reads a whole configuration of the queue `id`.
    pub fn parse(value: &Value, id: &QueueId) -> Result<Self, Problem> {
        let config = Self::read(value, id)?;
        config.check_addresses(None)?;
        Ok(config)
    }

    fn read(value: &Value, id: &QueueId) -> Result<Self, Problem> {
        if !value.is_object() {
            return Err(Problem::validation("the configuration is a JSON object"));
        }
        // A list would do for a struct, field by field in order.
        if value.get("product").is_some_and(Value::is_array) {
            return Err(Problem::validation("product: is a JSON object, or null"));
        }
        // One audience for all would let a token of one queue in where another's is wanted.
        let value = match value.get("audience") {
            None | Some(Value::Null) => {
                let mut with_audience = value.clone();
                json_patch::merge(&mut with_audience, &json!({ "audience": id }));
                with_audience
            }
            Some(_) => value.clone(),
        };
        let config: Self = reading::read(&value)?;
        config.check_values()?;
        config.check_served()?;
        Ok(config)
    }

    /// Applies a JSON Merge Patch (RFC 7396) to this configuration, which is the queue `id`'s.
    pub fn merged(&self, patch: &Value, id: &QueueId) -> Result<Self, Problem> {
        if !patch.is_object() {
            return Err(Problem::validation("a merge patch is a JSON object"));
        }
        let mut value = serde_json::to_value(self)
            .map_err(|error| Problem::new(Code::InternalError, error.to_string()))?;
        json_patch::merge(&mut value, patch);
        let merged = Self::read(&value, id)?;
        merged.check_addresses(Some(self))?;
        Ok(merged)
    }

    /// Refuses what may no longer change when somebody has entered; less may when the queue is
    /// `open`.
    pub fn check_change_from(
        &self,
        before: &Self,
        entered: u64,
        open: bool,
    ) -> Result<(), Problem> {
        if entered == 0 {
            return Ok(());
        }
        let fixed = [
            ("access", self.access != before.access),
            ("lanes", self.lanes != before.lanes),
            ("uniqueBy", self.unique_by != before.unique_by),
            ("beacon", self.beacon != before.beacon),
            ("entryOpensAt", self.entry_opens_at != before.entry_opens_at),
        ];
        if let Some((field, _)) = fixed.iter().find(|(_, changed)| *changed) {
            return Err(Problem::new(
                Code::Conflict,
                format!("{field} is fixed once somebody entered; reset the queue to change it."),
            ));
        }
        // Who was called up counts on the time that they were given, and on a place.
        let shrunk = [
            (
                "claimWindowSeconds",
                self.claim_window_seconds < before.claim_window_seconds,
            ),
            ("maxAdmissions", self.max_admissions < before.max_admissions),
        ];
        let is_drawn = open && self.access == Access::Draw;
        if let Some((field, _)) = shrunk.iter().find(|(_, smaller)| is_drawn && *smaller) {
            return Err(Problem::new(
                Code::Conflict,
                format!("{field} of a draw may grow, but not shrink, once it has been held."),
            ));
        }
        if open && self.opens_at != before.opens_at {
            return Err(Problem::new(
                Code::Conflict,
                "opensAt is fixed once the queue has opened; reset the queue to change it.",
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn id() -> QueueId {
        "lamp".parse().unwrap()
    }

    fn parse(value: &Value) -> Result<QueueConfig, Problem> {
        QueueConfig::parse(value, &id())
    }

    fn refusal(value: &Value) -> String {
        parse(value).unwrap_err().detail
    }

    #[test]
    fn defaults_are_the_contract_s() {
        let config = parse(&json!({"maxActive": 50})).unwrap();
        assert_eq!((config.handoff_seconds, config.session_seconds), (120, 600));
        assert_eq!(
            (config.max_session_seconds, config.claim_window_seconds),
            (3600, 86_400)
        );
        assert_eq!(config.lanes, 4);
        assert_eq!(config.access, Access::Queue);
    }

    #[test]
    fn a_queue_that_holds_nobody_back_is_refused() {
        assert!(refusal(&json!({})).contains("admitRatePerMinute or maxActive"));
    }

    #[test]
    fn a_bad_value_is_refused_by_name() {
        for (field, value) in [
            ("maxActive", json!(0)),
            ("maxActive", json!("50")),
            ("maxActive", json!(1.5)),
            ("maxActive", json!(MAX_ACTIVE + 1)),
            ("lanes", json!(257)),
            ("lanes", json!(0)),
            ("handoffSeconds", json!(-1)),
            ("maxAdmissions", json!(0)),
            ("closesAt", json!(1_u64 << 54)),
            ("checkoutUrl", json!("javascript:alert(1)")),
            ("checkoutUrl", json!("//evil.example/x")),
            ("checkoutUrl", json!("https://shop.example/?token=")),
            ("checkoutUrl", json!("https://shop.example/\n")),
            ("checkoutUrl", json!("https://:secret@shop.example/")),
            ("checkoutUrl", json!("https://shop'.example/")),
            ("checkoutUrl", json!("http://shop.example/checkout")),
            ("allowedOrigins", json!(["http://shop.example"])),
            ("audience", json!("")),
            ("audience", json!("urn:tidegate:receipt")),
            ("audience", json!(7)),
            ("allowedOrigins", json!(["https://shop.example/"])),
            ("allowedOrigins", json!(["*"])),
            ("product", json!({"name": "x", "path": "../x"})),
            ("sessionSeconds", json!(7200)),
            ("access", json!("lottery")),
            ("beacon", json!("dice")),
            ("requires", json!(["invite"])),
        ] {
            let mut config = json!({"maxActive": 50});
            config[field] = value.clone();
            let detail = refusal(&config);
            assert!(detail.contains(field), "{field} = {value}: {detail}");
        }
        assert!(refusal(&json!({"maxActive": 5, "colour": "red"})).contains("colour"));
        assert!(refusal(&json!([])).contains("object"));
    }

    #[test]
    fn a_draw_needs_an_opening_an_end_and_a_number_of_winners() {
        let draw = json!({"access": "draw", "opensAt": 5, "closesAt": 9, "maxAdmissions": 3});
        assert!(parse(&draw).is_ok(), "it holds back by itself");
        for field in ["opensAt", "closesAt", "maxAdmissions"] {
            let mut lacking = draw.clone();
            lacking[field] = Value::Null;
            assert!(refusal(&lacking).starts_with(field));
        }
    }

    #[test]
    fn a_merge_patch_sets_keeps_and_removes() {
        let before = parse(&json!({"maxActive": 50, "maxAdmissions": 10})).unwrap();
        let after = before
            .merged(&json!({"maxActive": 5, "maxAdmissions": null}), &id())
            .unwrap();
        assert_eq!((after.max_active, after.max_admissions), (Some(5), None));
        assert_eq!(after.lanes, before.lanes);
        assert!(before.merged(&json!({"maxActive": null}), &id()).is_err());
    }

    #[test]
    fn a_queue_s_audience_is_its_own_until_another_is_named() {
        for silent in [
            json!({"maxActive": 1}),
            json!({"maxActive": 1, "audience": null}),
        ] {
            assert_eq!(parse(&silent).unwrap().audience, "lamp");
        }
        let named = parse(&json!({"maxActive": 1, "audience": "checkout"})).unwrap();
        assert_eq!(named.audience, "checkout");
        let kept = named.merged(&json!({"maxActive": 2}), &id()).unwrap();
        assert_eq!(kept.audience, "checkout", "a patch of something else");
        let removed = named.merged(&json!({"audience": null}), &id()).unwrap();
        assert_eq!(removed.audience, "lamp");
    }

    #[test]
    fn plain_http_leads_to_this_machine_alone() {
        for local in [
            "http://127.0.0.1:8788",
            "http://localhost:8788",
            "http://[::1]:8788",
        ] {
            let config = json!({"maxActive": 1, "checkoutUrl": local, "allowedOrigins": [local]});
            assert!(parse(&config).is_ok(), "{local}");
        }
        let refused = refusal(&json!({"maxActive": 1, "checkoutUrl": "http://10.0.0.1/checkout"}));
        assert!(refused.contains("http://10.0.0.1/checkout") && refused.contains("https"));
    }

    /// What an older version took must not keep an operator from changing what that does not touch.
    #[test]
    fn a_patch_refuses_the_plain_http_that_it_names_and_not_what_stood_before() {
        let mut before = parse(&json!({"maxActive": 50})).unwrap();
        before.checkout_url = "http://shop.example/checkout".into();
        before.allowed_origins = vec!["http://shop.example".into()];
        let merged = |patch: Value| before.merged(&patch, &id());
        assert_eq!(merged(json!({"maxActive": 5})).unwrap().max_active, Some(5));
        for (field, value) in [
            ("checkoutUrl", json!("http://other.example/checkout")),
            (
                "allowedOrigins",
                json!(["http://shop.example", "http://other.example"]),
            ),
        ] {
            let refused = merged(json!({field: value})).unwrap_err().detail;
            assert!(
                refused.starts_with(field) && refused.contains("other.example"),
                "{refused}"
            );
        }
    }

    #[test]
    fn lanes_are_fixed_once_somebody_entered() {
        let before = parse(&json!({"maxActive": 50})).unwrap();
        let after = before.merged(&json!({"lanes": 8}), &id()).unwrap();
        assert!(after.check_change_from(&before, 0, true).is_ok());
        let problem = after.check_change_from(&before, 1, true).unwrap_err();
        assert_eq!(problem.code, Code::Conflict);
        assert!(problem.detail.contains("lanes"));
    }

    #[test]
    fn the_opening_may_move_until_it_has_been() {
        let before = parse(&json!({"maxActive": 50, "opensAt": 5})).unwrap();
        let after = before.merged(&json!({"opensAt": 9}), &id()).unwrap();
        assert_eq!(after.check_change_from(&before, 7, false), Ok(()));
        let problem = after.check_change_from(&before, 7, true).unwrap_err();
        assert_eq!(problem.code, Code::Conflict);
        assert!(
            refusal(&json!({"maxActive": 1, "entryOpensAt": 9, "opensAt": 5})).contains("opensAt")
        );
    }
}
