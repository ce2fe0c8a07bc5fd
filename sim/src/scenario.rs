//! What is simulated: how many shoppers come and how they behave, what the deployment is made of,
//! and what goes wrong.

use core::ops::Range;

use fastrand::Rng;
use serde_json::{Value, json};

use tidegate_core::queue::hearing::IDLE_HEARING_MILLIS;
use tidegate_judge::Limits;

/// Assumed: what the platform commits for one object is not measured. It is lower than what a local
/// disk does.
const WRITES_PER_SECOND: u32 = 300;
/// Measured on 28 November 2026, as an upper bound: claim, redeem and complete took 2.1 ms of
/// workerd's CPU together, 0.7 ms each, the Worker's part and the signature included, on a busy
/// machine.
const EVENT_MICROS: u64 = 700;

/// How shoppers arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    /// Most at once, then ever fewer.
    Surge,
    /// A trickle, and in the middle nearly all within a tenth of the time.
    Spike,
    /// Evenly.
    Flat,
}

/// What stands in the way of everybody for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standstill {
    /// The operator pauses the queue.
    Pause,
    /// No event reaches the Queue object, not even its alarm.
    Gap,
    /// The operator closes the queue, and reopens it.
    Closing,
}

/// A standstill, when it begins and how long it lasts, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interruption {
    /// What it is.
    pub what: Standstill,
    /// When it begins.
    pub at: u64,
    /// How long it lasts.
    pub lasts: u64,
}

/// What goes wrong, as probabilities.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Faults {
    /// A message, either way, is lost. Half of the lost ones arrive late, when nobody waits.
    pub loss: f64,
    /// A message arrives a second time, later.
    pub duplicate: f64,
    /// An object crashes at a step.
    pub crash: f64,
    /// An outage of the Queue object begins within a minute.
    pub outage: f64,
    /// A clock steps, forth or back, within a minute; with any at all, edges' clocks are off.
    pub clock: f64,
    /// The operator pauses, resumes, or changes a limit within a minute.
    pub operator: f64,
}

impl Faults {
    /// Nothing goes wrong.
    pub const NONE: Self = Self {
        loss: 0.0,
        duplicate: 0.0,
        crash: 0.0,
        outage: 0.0,
        clock: 0.0,
        operator: 0.0,
    };
    /// A common day.
    pub const FEW: Self = Self {
        loss: 0.000_5,
        duplicate: 0.000_2,
        crash: 0.000_01,
        outage: 0.0,
        clock: 0.0,
        operator: 0.0,
    };
    /// A bad day.
    pub const MANY: Self = Self {
        loss: 0.02,
        duplicate: 0.01,
        crash: 0.003,
        outage: 0.1,
        clock: 0.3,
        operator: 0.0,
    };
}

/// See the module's documentation. One scenario and one seed are one history.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// How many shoppers come.
    pub shoppers: u32,
    /// How they arrive.
    pub curve: Curve,
    /// Within how many milliseconds they arrive.
    pub arrive_within: u64,
    /// The share that has closed the tab when it is called up. A tenth of them comes back later.
    pub absent: f64,
    /// The share that hears by socket what changes, and polls only while it is present.
    pub sockets: f64,
    /// The share that gives up its place explicitly.
    pub leave: f64,
    /// The mean time at the checkout, in milliseconds.
    pub checkout: u64,
    /// Lane objects, 1 to 256.
    pub lanes: u16,
    /// Relay objects.
    pub relays: u16,
    /// Edge isolates.
    pub edges: u16,
    /// Transactions that the Queue object can write in a second, each for everything that came
    /// meanwhile.
    pub writes_per_second: u32,
    /// What each call costs the Queue object beside its transaction, in microseconds.
    pub event_micros: u64,
    /// The queue's limits.
    pub limits: Limits,
    /// How long a handoff token may lie, and a session last, in seconds.
    pub handoff_seconds: u32,
    /// See `handoff_seconds`.
    pub session_seconds: u32,
    /// What stands in the way of everybody for a while, if anything.
    pub interruption: Option<Interruption>,
    /// What goes wrong.
    pub faults: Faults,
    /// When the run is broken off at the latest, in milliseconds.
    pub horizon: u64,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            shoppers: 5_000,
            curve: Curve::Surge,
            arrive_within: 60_000,
            absent: 0.3,
            sockets: 0.0,
            leave: 0.02,
            checkout: 60_000,
            lanes: 4,
            relays: 1,
            edges: 20,
            writes_per_second: WRITES_PER_SECOND,
            event_micros: EVENT_MICROS,
            limits: Limits {
                max_active: Some(50),
                ..Limits::default()
            },
            handoff_seconds: 120,
            session_seconds: 300,
            interruption: None,
            faults: Faults::NONE,
            horizon: 24 * 3_600_000,
        }
    }
}

impl Scenario {
    /// A scenario of its own for each seed: everything varies, and much goes wrong.
    pub fn random(seed: u64, shoppers: u32) -> Self {
        let mut rng = Rng::with_seed(seed ^ 0x5CE4_A810);
        let by_active = rng.f64() < 0.7;
        let max_active = by_active.then(|| rng.u32(1..=shoppers.div_ceil(20).max(2)));
        let rate = (!by_active || rng.f64() < 0.3).then(|| rng.u32(10..=shoppers.max(20)));
        let most_lanes = if rng.bool() { 8 } else { 256 };
        let often = |rng: &mut Rng, most: f64| if rng.bool() { rng.f64() * most } else { 0.0 };
        Self {
            shoppers,
            curve: rng
                .choice([Curve::Surge, Curve::Spike, Curve::Flat])
                .unwrap_or(Curve::Flat),
            arrive_within: rng.u64(1_000..=300_000),
            absent: rng.f64() * 0.9,
            sockets: if rng.bool() { rng.f64() } else { 0.0 },
            leave: rng.f64() * 0.2,
            checkout: rng.u64(5_000..=60_000),
            lanes: rng.u16(1..=most_lanes),
            relays: rng.u16(1..=4),
            edges: rng.u16(1..=40),
            writes_per_second: WRITES_PER_SECOND,
            event_micros: EVENT_MICROS,
            limits: Limits {
                max_active,
                rate,
                max_admissions: (rng.f64() < 0.3).then(|| rng.u64(1..=u64::from(shoppers) / 2 + 1)),
                max_participants: (rng.f64() < 0.3).then(|| rng.u64(1..=u64::from(shoppers) + 1)),
                ..Limits::default()
            },
            handoff_seconds: rng.u32(5..=60),
            session_seconds: rng.u32(20..=120),
            interruption: None,
            faults: Faults {
                loss: often(&mut rng, 0.05),
                duplicate: often(&mut rng, 0.05),
                crash: often(&mut rng, 0.01),
                outage: often(&mut rng, 0.5),
                clock: often(&mut rng, 0.5),
                operator: often(&mut rng, 0.5),
            },
            horizon: 1_200_000,
        }
    }

    /// When nobody can be admitted whatever the queue does: the standstill, and after a closing the
    /// time until everybody has looked again.
    pub(crate) fn still(&self) -> Range<u64> {
        let still = self.interruption.map(|one| {
            let looks_again = match one.what {
                Standstill::Closing => IDLE_HEARING_MILLIS,
                Standstill::Pause | Standstill::Gap => 0,
            };
            one.at..one.at + one.lasts + looks_again
        });
        still.unwrap_or_default()
    }

    /// The queue's configuration as an operator would put it.
    pub(crate) fn config(&self) -> Value {
        let mut config = self.limits.patch();
        let more = json!({
            "lanes": self.lanes,
            "handoffSeconds": self.handoff_seconds,
            "sessionSeconds": self.session_seconds,
            "maxSessionSeconds": self.session_seconds.saturating_mul(2),
        });
        if let (Some(config), Value::Object(more)) = (config.as_object_mut(), more) {
            config.extend(more);
        }
        config
    }

    /// When the shopper who arrives as number `nth` does so, in milliseconds.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "a time within the arrivals"
    )]
    pub(crate) fn arrival(&self, nth: u32) -> u64 {
        let part = f64::from(nth) / f64::from(self.shoppers.max(1));
        let when = match self.curve {
            Curve::Flat => part,
            // Half of them within the first eighth of the time.
            Curve::Surge => part.powi(3),
            // A tenth before the spike, a tenth after it.
            Curve::Spike => match part {
                early if early < 0.1 => early * 4.5,
                late if late >= 0.9 => (late - 0.9).mul_add(4.5, 0.55),
                spike => (spike - 0.1).mul_add(0.125, 0.45),
            },
        };
        (when * self.arrive_within as f64) as u64
    }
}
