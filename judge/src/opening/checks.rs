//! The checks of an audit, in the order in which they are told. Each is made whatever came of the
//! others, but for places, which nothing is known of without a seed.

use std::collections::HashMap;

use tidegate_core::fair::shuffle::position;
use tidegate_core::fair::{Commitment, Root, Seed};
use tidegate_core::token::statement::Statement;

use super::beacon::{self, Chain};
use super::difference::differences;
use super::document::{Access, Audit, Document, Trust};
use super::permutation::{ROUNDS, is_permutation, positions};
use super::report::{Place, Report};
use super::signed::{Published, Signed, check_audience};
use super::{proof, receipt, tree};

/// Up to so many entrants, the whole permutation is computed unasked.
const ENTRANTS_UNASKED: u64 = 1_000_000;
/// The most faults that one line names.
const FAULTS_NAMED: usize = 4;
/// Where the whole permutation is computed, about so many places are computed alone as well.
const PLACES_ALONE: u64 = 500;

/// What is to be checked beyond the audit itself, and by what.
#[derive(Default)]
pub struct Asked {
    pub keys: Keys,
    pub chain: Option<Chain>,
    pub commitment: Option<Commitment>,
    pub index: Option<u64>,
    /// The whole permutation, however long it takes.
    pub whole: bool,
    pub receipts: Vec<Evidence>,
    pub proofs: Vec<Evidence>,
}

/// What there is to hold the audit's key against.
#[derive(Default)]
pub enum Keys {
    Published(Published),
    /// They were asked for, and could not be had.
    Refused(String),
    #[default]
    NotGiven,
}

/// A receipt or a proof, as it came.
pub struct Evidence {
    /// Where from.
    pub name: String,
    pub bytes: Vec<u8>,
}

/// Checks it all. `watch` hears of each round of the permutation. Also returns the positions by
/// index, 0-based, where the whole permutation was computed.
pub fn check(audit: &Audit, asked: &Asked, watch: impl FnMut(u8)) -> (Report, Option<Vec<u32>>) {
    let mut report = Report::default();
    let facts = &audit.facts;
    report.note("format", Ok(described(audit)));
    report.note("statement", statement(audit));
    key(audit, &asked.keys, &mut report);
    report.note("commitment", commitment(facts, asked.commitment));
    report.note("groups", groups(audit));
    report.note("root", root(audit));
    match (&facts.beacon, facts.trust) {
        (Some(round), Trust::Beacon) => {
            let checked = beacon::check(round, facts.opened_at, asked.chain.as_ref());
            report.note("beacon", checked);
        }
        (None, Trust::Operator) => report.not_checked("beacon", "the audit has none"),
        (Some(_), Trust::Operator) => {
            let fault = "trust: \"operator\", and there is a beacon";
            report.note("beacon", Err(fault.into()));
        }
        (None, Trust::Beacon) => {
            let fault = "trust: \"beacon\", and there is none";
            report.note("beacon", Err(fault.into()));
        }
    }
    let whole = if report.note("seed", seed(facts)) {
        report.place = asked.index.and_then(|index| place(facts, index));
        places(facts, asked.whole, watch, &mut report)
    } else {
        report.not_checked("places", "the seed does not hold");
        None
    };
    for evidence in &asked.receipts {
        report.note(
            "receipt",
            evidence.named(receipt::check(&evidence.bytes, audit, &asked.keys)),
        );
    }
    for evidence in &asked.proofs {
        report.note(
            "proof",
            evidence.named(proof::check(&evidence.bytes, audit)),
        );
    }
    warn(facts, &asked.keys, &mut report);
    (report, whole)
}

impl Evidence {
    fn named(&self, result: Result<String, String>) -> Result<String, String> {
        let name = |text: String| format!("{}: {text}", self.name);
        result.map(name).map_err(name)
    }
}

/// The position of an index, 1-based, if the audit's seed and size are right.
pub fn position_of(facts: &Document, index: u64) -> Option<u64> {
    position(index, facts.entrants, &facts.seed)?.checked_add(1)
}

fn place(facts: &Document, index: u64) -> Option<Place> {
    let position = position_of(facts, index)?;
    Some(Place {
        index,
        position,
        won: facts.winners.map(|winners| position <= winners),
    })
}

fn described(audit: &Audit) -> String {
    let facts = &audit.facts;
    let kind = match facts.access {
        Access::Queue => "queue",
        Access::Draw => "draw",
    };
    let winners = facts
        .winners
        .map_or_else(String::new, |winners| format!(", {winners} winners"));
    format!(
        "format 1; {kind} {}, epoch {}, {} entrants in {} groups{winners}",
        facts.queue_id,
        facts.epoch,
        facts.entrants,
        audit.groups.len()
    )
}

fn statement(audit: &Audit) -> Result<String, String> {
    let signed = Signed::read(&audit.statement, Statement::Audit)
        .map_err(|fault| format!("statement: {fault}"))?;
    if signed.kid != audit.key.kid {
        return Err(format!(
            "key.kid: \"{}\", and the statement's is \"{}\"",
            audit.key.kid, signed.kid
        ));
    }
    let mut stated: Document = signed
        .payload(audit.key_bytes)
        .map_err(|fault| format!("statement, key.x: {fault}"))?;
    if stated.iat.take().is_none() {
        return Err(String::from("statement: its payload has no iat"));
    }
    check_audience(stated.aud.take().as_deref(), Statement::Audit)
        .map_err(|fault| format!("statement: {fault}"))?;
    let other = differences(&audit.facts, &stated);
    if other.is_empty() {
        Ok(format!(
            "signed by {}, and says what the audit says",
            signed.kid
        ))
    } else {
        Err(format!("it says something else: {}", listed(other)))
    }
}

fn key(audit: &Audit, keys: &Keys, report: &mut Report) {
    let kid = &audit.key.kid;
    match keys {
        Keys::NotGiven => {
            report.not_checked("key", "--jwks names the keys that the shop publishes");
        }
        Keys::Refused(why) => {
            report.note("key", Err(why.clone()));
        }
        Keys::Published(published) => {
            let mut of_kid = published.of_kid(kid).peekable();
            let result = if of_kid.peek().is_none() {
                Err(format!("key.kid: {} has no key {kid}", published.place))
            } else if of_kid.any(|key| key == audit.key_bytes) {
                Ok(format!("{kid} is published at {}", published.place))
            } else {
                Err(format!("key.x: {} has another key {kid}", published.place))
            };
            report.note("key", result);
        }
    }
}

fn commitment(facts: &Document, noted: Option<Commitment>) -> Result<String, String> {
    if facts.secret.commitment() != facts.commitment {
        return Err(String::from(
            "commitment, secret: it is not the secret's SHA-256",
        ));
    }
    match noted {
        Some(noted) if noted != facts.commitment => Err(format!(
            "commitment: {}, and you noted another",
            facts.commitment
        )),
        Some(_) => Ok(String::from(
            "the secret's SHA-256, and the one that you noted",
        )),
        None => Ok(format!("{} is the secret's SHA-256", facts.commitment)),
    }
}

fn groups(audit: &Audit) -> Result<String, String> {
    let mut faults = Vec::new();
    let mut next = 0_u64;
    let mut last_of_lane = HashMap::new();
    for (number, group) in audit.groups.iter().enumerate() {
        let mut fault = |field: &str, what: String| {
            faults.push(format!("groups[{number}].{field}: {what}"));
        };
        if group.first != next {
            fault("first", format!("{}, and {next} is next", group.first));
        }
        if group.granted == 0 {
            fault("granted", String::from("0"));
        }
        if let Some(last) = last_of_lane.insert(group.lane, group.sequence)
            && last >= group.sequence
        {
            let lane = group.lane;
            fault(
                "sequence",
                format!("{}, after {last} of lane {lane}", group.sequence),
            );
        }
        let leaf = group.logged().leaf(audit.facts.epoch);
        if tree::leaf_hash(&leaf) != group.hash.0 {
            fault("hash", String::from("not the hash of this group's leaf"));
        }
        next = next.saturating_add(u64::from(group.granted));
    }
    if next != audit.facts.entrants {
        let pages = audit.facts.pages;
        let hint = if pages > 1 {
            format!("; the audit has {pages} pages, and all have to be here")
        } else {
            String::new()
        };
        faults.push(format!(
            "entrants: {}, and the groups have {next}{hint}",
            audit.facts.entrants
        ));
    }
    if faults.is_empty() {
        Ok(format!("{}, with every index once", audit.groups.len()))
    } else {
        Err(listed(faults))
    }
}

fn root(audit: &Audit) -> Result<String, String> {
    let leaves = audit
        .groups
        .iter()
        .map(|group| group.logged().leaf(audit.facts.epoch));
    let found: Root = tree::root(leaves);
    if found == audit.facts.root {
        Ok(format!("{found} is over these groups"))
    } else {
        Err(format!(
            "root: over these groups, with this epoch, it is {found}"
        ))
    }
}

fn seed(facts: &Document) -> Result<String, String> {
    let beacon = facts.beacon.as_ref().map(|round| round.randomness.0);
    let public: &[u8] = beacon.as_ref().map_or(&[], |randomness| randomness);
    let found: Seed = facts.secret.seed(&facts.root, public);
    let of = if beacon.is_some() {
        "secret, root and beacon"
    } else {
        "secret and root"
    };
    if found == facts.seed {
        Ok(format!("{found} follows from {of}"))
    } else {
        Err(format!("seed: from {of} follows {found}"))
    }
}

fn places(
    facts: &Document,
    asked: bool,
    watch: impl FnMut(u8),
    report: &mut Report,
) -> Option<Vec<u32>> {
    let entrants = facts.entrants;
    if entrants > ENTRANTS_UNASKED && !asked {
        let why = format!("{entrants} entrants; --all computes the place of each");
        report.not_checked("places", why);
        return None;
    }
    let whole = u32::try_from(entrants)
        .ok()
        .and_then(|entrants| positions(entrants, &facts.seed, watch));
    let Some(whole) = whole else {
        report.not_checked("places", format!("{entrants} do not fit into memory here"));
        return None;
    };
    report
        .note("places", permuted(facts, &whole))
        .then_some(whole)
}

fn permuted(facts: &Document, whole: &[u32]) -> Result<String, String> {
    if !is_permutation(whole) {
        return Err(String::from(
            "a position is there twice: a fault of this program",
        ));
    }
    let step = facts.entrants.checked_div(PLACES_ALONE).unwrap_or(0).max(1);
    let step = usize::try_from(step).unwrap_or(usize::MAX);
    for (index, place) in (0_u64..).zip(whole).step_by(step) {
        if position(index, facts.entrants, &facts.seed) != Some(u64::from(*place)) {
            return Err(format!(
                "index {index} alone is elsewhere: a fault of this program"
            ));
        }
    }
    Ok(format!(
        "all {} computed in {ROUNDS} rounds, every position once",
        whole.len()
    ))
}

fn warn(facts: &Document, keys: &Keys, report: &mut Report) {
    if facts.trust == Trust::Operator {
        report.warnings.push(String::from(
            "the order rests on the operator's secret alone (trust: operator). Without a beacon, the \
             operator could have tried secrets before publishing the commitment, though not knowing \
             who would enter; could have tried entries of their own until the order pleased them; and \
             knew the order as soon as the entrants were fixed.",
        ));
    }
    let opened = facts.epochs.iter().filter(|epoch| epoch.opened).count();
    if facts.earlier_epochs > 0 {
        report.warnings.push(format!(
            "earlier epochs of this queue: {}; of the {} listed, {opened} had opened. To reset a queue \
             after its opening is to draw anew.",
            facts.earlier_epochs,
            facts.epochs.len()
        ));
    }
    if matches!(keys, Keys::NotGiven) {
        report.warnings.push(String::from(
            "nothing here says whose key it is that signed. --jwks holds it against the shop's.",
        ));
    }
}

/// The first few, and how many more there are.
fn listed(mut faults: Vec<String>) -> String {
    let more = faults.len().saturating_sub(FAULTS_NAMED);
    faults.truncate(FAULTS_NAMED);
    let text = faults.join("; ");
    if more == 0 {
        text
    } else {
        format!("{text}; and {more} more")
    }
}
