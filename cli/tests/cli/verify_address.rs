//! `tidegate verify` at the address of a deployment.

use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::audits::{Opening, jwks};
use crate::run::{Ran, run, tidegate};
use crate::stand_in::{Reply, StandIn};
use crate::verify::Folder;

const AUDIT: &str = "/v1/queues/lamp/audit";
const JWKS: &str = "/.well-known/jwks.json";

/// Verifies what is at an address.
fn verify(url: &str, args: &[&str]) -> Ran {
    run(tidegate(["verify", url]).args(args))
}

/// The number of the page that is asked for.
fn page_of(target: &str) -> Option<usize> {
    let rest = target.strip_prefix(AUDIT)?;
    match rest.strip_prefix("?page=") {
        Some(number) => number.parse().ok(),
        None => rest.is_empty().then_some(0),
    }
}

/// A deployment that serves so many groups a page, each changed by `change`.
fn deployment(
    opening: Opening,
    size: usize,
    change: impl Fn(usize, &mut Value) + Send + Sync + 'static,
) -> StandIn {
    StandIn::answering(move |target| {
        if target == JWKS {
            return Reply::json(200, &jwks());
        }
        let Some(number) = page_of(target).filter(|page| page * size < opening.groups.len()) else {
            return Reply::problem(404, "NOT_FOUND", "There is no such page.");
        };
        let mut page = opening.page(number, size);
        change(number, &mut page);
        Reply::json(200, &page)
    })
}

fn at(stand_in: &StandIn) -> String {
    format!("{}{AUDIT}", stand_in.url)
}

#[test]
fn all_pages_are_read_and_the_keys_of_the_same_origin() {
    let stand_in = deployment(Opening::small(), 2, |_, _| {});
    let text = verify(&at(&stand_in), &[]).ok();
    assert!(text.contains("ok           key "), "{text}");
    let page = format!("{AUDIT}?page=1");
    assert_eq!(stand_in.targets(), [AUDIT, &page, JWKS]);
}

#[test]
fn the_page_that_an_address_names_is_not_all_that_is_read() {
    let stand_in = deployment(Opening::small(), 3, |_, _| {});
    verify(&format!("{}?page=1", at(&stand_in)), &[]).ok();
}

#[test]
fn a_saved_audit_is_whole_and_verified_without_the_deployment() {
    let folder = Folder::new();
    let saved = folder.path("saved");
    let opening = Opening::small().with_quicknet();
    let stand_in = deployment(opening.clone(), 1, |_, _| {});
    run(tidegate(["verify", &at(&stand_in), "--save"]).arg(&saved)).ok();
    let whole: Value = serde_json::from_slice(&std::fs::read(&saved).unwrap()).unwrap();
    assert_eq!(whole["groups"], opening.audit()["groups"]);
    assert_eq!(whole["pages"], 4);
    let keys = folder.file("jwks", &jwks());
    run(tidegate(["verify"]).arg(&saved).arg("--jwks").arg(&keys)).ok();
    // Wherever somebody puts it, it is whole.
    let elsewhere = StandIn::answering(move |_| Reply::json(200, &whole));
    let url = format!("{}/saved.json", elsewhere.url);
    run(tidegate(["verify", &url, "--jwks"]).arg(&keys)).ok();
    assert_eq!(elsewhere.targets(), ["/saved.json"]);
}

#[test]
fn what_failed_is_saved_all_the_same() {
    let folder = Folder::new();
    let saved = folder.path("saved");
    let stand_in = deployment(Opening::small(), 9, |_, page| page["entrants"] = 13.into());
    run(tidegate(["verify", &at(&stand_in), "--save"]).arg(&saved)).refused(1);
    run(tidegate(["verify"]).arg(&saved)).refused(1);
}

#[test]
fn pages_that_do_not_agree_are_no_audit() {
    for (field, value) in [
        ("secret", Value::from("33".repeat(32))),
        ("entrants", 13.into()),
        ("pages", 3.into()),
        ("statement", "a.b.c".into()),
    ] {
        let stand_in = deployment(Opening::small(), 2, move |number, page| {
            if number == 1 {
                page[field] = value.clone();
            }
        });
        let ran = verify(&at(&stand_in), &[]);
        let named = format!("page 1 and page 0 differ: {field}");
        assert!(ran.stdout.contains(&named), "{}", ran.stdout);
        assert!(ran.stdout.contains("\nFAILED: format\n"), "{}", ran.stdout);
        ran.refused(1);
    }
}

#[test]
fn a_fault_of_a_page_is_named_with_the_page() {
    let stand_in = deployment(Opening::small(), 2, |number, page| {
        if number == 1 {
            page["groups"][1]["root"] = "00".into();
        }
    });
    let ran = verify(&at(&stand_in), &[]);
    assert!(
        ran.stdout.contains("page 1: groups[1].root"),
        "{}",
        ran.stdout
    );
    ran.refused(1);
}

#[test]
fn pages_without_end_are_not_read() {
    let endless = |number: usize, page: &mut Value| {
        page["pages"] = 1_000_000.into();
        if number > 0 {
            page["groups"] = Value::Array(Vec::new());
        }
    };
    let stand_in = deployment(Opening::small(), 1, endless);
    let ran = verify(&at(&stand_in), &[]);
    assert!(ran.stdout.contains("pages: 1000000"), "{}", ran.stdout);
    ran.refused(1);
    assert_eq!(stand_in.targets().len(), 1);
    let empty = deployment(Opening::small(), 2, |number, page| {
        if number == 1 {
            page["groups"] = Value::Array(Vec::new());
        }
    });
    let ran = verify(&at(&empty), &[]);
    assert!(
        ran.stdout.contains("page 1: groups: none"),
        "{}",
        ran.stdout
    );
    ran.refused(1);
}

#[test]
fn a_deployment_that_refuses_is_told_with_its_reason() {
    let closed = StandIn::replying(Reply::problem(
        423,
        "NOT_OPEN",
        "The queue is not open yet.",
    ));
    let refusal = verify(&at(&closed), &[]).refused(1);
    assert!(
        refusal.contains("answered 423: The queue is not open yet. (NOT_OPEN)"),
        "{refusal}"
    );
    let other = StandIn::replying(Reply::new(404, "text/html", "<h1>No</h1>"));
    assert!(verify(&at(&other), &[]).refused(1).contains("answered 404"));
    // A page that is not there.
    let stand_in = deployment(Opening::small(), 2, |_, page| page["pages"] = 3.into());
    let refusal = verify(&at(&stand_in), &[]).refused(1);
    assert!(refusal.contains("page=2 answered 404"), "{refusal}");
}

#[test]
fn keys_that_the_deployment_withholds_leave_nothing_verified() {
    let audit = Opening::small().audit();
    let stand_in = StandIn::answering(move |target| match target {
        AUDIT => Reply::json(200, &audit),
        _ => Reply::new(404, "text/plain", "no"),
    });
    let ran = verify(&at(&stand_in), &[]);
    assert!(ran.stdout.contains("\nFAILED: key\n"), "{}", ran.stdout);
    ran.refused(1);
}

#[test]
fn a_busy_deployment_is_asked_again() {
    let asked = AtomicUsize::new(0);
    let audit = Opening::small().audit();
    let stand_in = StandIn::answering(move |target| match target {
        JWKS => Reply::json(200, &jwks()),
        _ if asked.fetch_add(1, Ordering::Relaxed) == 0 => {
            Reply::problem(429, "RATE_LIMITED", "Too many.").with_header("retry-after", "1")
        }
        _ => Reply::json(200, &audit),
    });
    verify(&at(&stand_in), &[]).ok();
}

#[test]
fn a_few_redirects_are_followed_and_no_more() {
    let audit = Opening::small().audit();
    let stand_in = StandIn::answering(move |target| match target {
        JWKS => Reply::json(200, &jwks()),
        "/moved" => Reply::new(308, "text/plain", "").with_header("location", AUDIT),
        AUDIT => Reply::json(200, &audit),
        round => Reply::new(307, "text/plain", "").with_header("location", round),
    });
    verify(&format!("{}/moved", stand_in.url), &[]).ok();
    let before = stand_in.targets().len();
    let refusal = verify(&format!("{}/round", stand_in.url), &[]).refused(2);
    assert!(refusal.contains("sends on and on"), "{refusal}");
    assert!(stand_in.targets().len() - before <= 4);
}

#[test]
fn where_nobody_answers_or_nobody_ends_nothing_is_read() {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let refusal = verify(&format!("http://127.0.0.1:{port}{AUDIT}"), &[]).refused(2);
    assert!(refusal.contains("cannot read"), "{refusal}");
    let endless = StandIn::replying(Reply::new(200, "application/json", " ".repeat(2 << 20)));
    let folder = Folder::new();
    let audit = folder.file("audit", &Opening::small().audit());
    let url = format!("{}{JWKS}", endless.url);
    let ran = run(tidegate(["verify"]).arg(&audit).args(["--jwks", &url]));
    assert!(
        ran.stdout.contains("more than 1048576 bytes"),
        "{}",
        ran.stdout
    );
    ran.refused(1);
}
