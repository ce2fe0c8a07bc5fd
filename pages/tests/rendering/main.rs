//! What every page must and must not contain.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

#[path = "../fixture/mod.rs"]
mod fixture;
mod opening;
mod waits;

use fixture::{LAMP, NOW, room, snapshot, status};
use tidegate_core::config::Product;
use tidegate_core::view::snapshot::{Level, Notice, Phase, Snapshot};
use tidegate_core::view::status::{Standing, Status};
use tidegate_pages::{
    Failure, Granted, Message, Retry, RoomPage, asset, asset_paths, problem_page,
};

fn all() -> Vec<(&'static str, String)> {
    fixture::rooms()
        .unwrap()
        .into_iter()
        .chain(fixture::problems().unwrap())
        .collect()
}

fn page(name: &str) -> String {
    all()
        .into_iter()
        .find(|(other, _)| *other == name)
        .unwrap()
        .1
}

/// Without the templates that wait for the script.
fn shown(html: &str) -> String {
    let mut parts = html.split("<template");
    let mut text = parts.next().unwrap().to_owned();
    for part in parts {
        text.push_str(part.split_once("</template>").unwrap().1);
    }
    text
}

/// The values of an attribute, wherever it stands.
fn values<'a>(html: &'a str, attribute: &str) -> Vec<&'a str> {
    let start = format!(" {attribute}=\"");
    html.split(&start)
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect()
}

/// A page and what it must contain.
const MUSTS: &str = r#"
soon | Not open yet | You can join the queue from | 2026-11-21, 15:05 UTC
join | Join the queue | action="/queue/demo/enter" | between 25 and 45 minutes | /products/lamp
join-entry | the same chance | 2026-11-21, 16:05 UTC | action="/queue/demo/enter"
join-paused | You can still join | action="/queue/demo/enter"
left | You have left the queue. | action="/queue/demo/enter"
full | The queue is full just now. | action="/queue/demo/enter"
waiting | You are in | drawn at random | 2026-11-21, 16:05 UTC | action="/queue/demo/leave"
queued | Tide Lamp | >312</b> | people ahead of you | >10,000</dd> | between 4 and 6 minutes
queued | What happens next | You may close this page | action="/queue/demo/leave"
queued | Updated | 14:05:09 UTC | has come to place 9,677.
queued-unknown | >1</b> | person ahead of you | up to 13 minutes | Nobody has been called up yet.
queued-unreachable | You are still in line; we will try again. | >312</b>
paused | Paused: nobody is being let in | not known yet | >312</b>
stale | You are still in line | not known yet | >312</b>
ready | It is your turn: continue | action="/queue/demo/claim" | action="/queue/demo/leave"
ready-collect | It is your turn: continue | action="/queue/demo/claim"
ready-paused | nobody is being let in just now. Your turn is kept.
boarding | among the next for a free place
over | Your turn is over | Join again | action="/queue/demo/enter"
sold-out | Sold out | /products/lamp
closed | This queue is closed
notice-info | From the shop: | We ship to all countries.
notice-critical | Important: | note critical
granted | Go to checkout | 14:07:09 UTC
granted-kept | Go to checkout | cancel your order there
problem-no-queue | There is no such queue | href="/"
problem-shop | The shop is out of reach | in 12 seconds | href="/queue/demo"
problem-unavailable | We will be right back | it is kept | 7f3a90c1
"#;

#[test]
fn each_state_says_what_a_shopper_needs() {
    says(MUSTS);
}

fn says(musts: &str) {
    for row in musts.trim().lines() {
        let mut cells = row.split(" | ");
        let shown = shown(&page(cells.next().unwrap()));
        for must in cells {
            assert!(shown.contains(must), "{must} is missing of: {row}");
        }
    }
}

#[test]
fn what_does_not_hold_is_hidden() {
    for (name, hidden) in [
        ("queued", r#"id="lost" hidden"#),
        ("queued", r#"data-if="paused" hidden"#),
        ("ready", r#"data-if="present" hidden"#),
        ("ready", r#"data-if="paused" hidden"#),
        ("ready-paused", r#"data-if="manual" hidden"#),
        ("boarding", r#"data-if="called" hidden"#),
        ("draw-boarding", r#"data-if="manual" hidden"#),
        ("draw-won-paused", r#"data-if="manual" hidden"#),
        ("reserve", r#"data-if="paused" hidden"#),
        ("sealing", r#"data-if="late" hidden"#),
        ("sealing-late", "<dl hidden"),
        ("not-selected", r#"id="leave" hidden"#),
        ("draw-entry-closed", r#"id="leave" hidden"#),
        ("join", r#"id="leave" hidden"#),
        ("over", r#"id="leave" hidden"#),
    ] {
        assert!(shown(&page(name)).contains(hidden), "{name}: {hidden}");
    }
    for (name, shown_now) in [
        ("stale", r#"id="lost""#),
        ("paused", r#"data-if="paused""#),
        ("queued", r#"id="leave""#),
        ("queued-sealing", r#"data-if="sealing""#),
        ("sealing", r#"id="leave""#),
        ("sealing-late", r#"data-if="late""#),
        ("draw-won", r#"data-if="manual""#),
        ("reserve", r#"id="leave""#),
        ("reserve-paused", r#"data-if="paused""#),
    ] {
        assert!(
            shown(&page(name)).contains(&format!("{shown_now}>")),
            "{name}: {shown_now}"
        );
    }
}

#[test]
fn titles_tell_the_place() {
    for (name, title) in [
        ("queued", "312 ahead – Tide Lamp"),
        ("ready", "It is your turn – Tide Lamp"),
        ("sealing", "The order is being drawn – Tide Lamp"),
        ("draw-won", "You won a place – Tide Lamp"),
        ("reserve", "Number 1,204 on the reserve list – Tide Lamp"),
        ("sold-out", "Sold out – Tide Lamp"),
    ] {
        assert!(
            page(name).contains(&format!("<title>{title}</title>")),
            "{name}"
        );
    }
}

#[test]
fn without_script_only_who_waits_is_reloaded() {
    let reload = r#"<noscript><meta http-equiv="refresh" content="5;url=/queue/demo"></noscript>"#;
    for name in [
        "waiting",
        "sealing",
        "queued",
        "paused",
        "ready",
        "boarding",
        "stale",
        "reserve",
        "draw-boarding",
        "draw-won-paused",
    ] {
        assert!(page(name).contains(reload), "{name}");
    }
    for name in [
        "soon",
        "join",
        "ready-collect",
        "draw-won",
        "draw-lapsed",
        "draw-entry-closed",
        "not-selected",
        "granted",
        "over",
        "sold-out",
        "closed",
    ] {
        assert!(!page(name).contains("http-equiv"), "{name}");
    }
    let snapshot = snapshot(Phase::Open);
    for (poll_after_ms, seconds) in [(2_000, 5), (120_000, 120)] {
        let status = Status {
            poll_after_ms,
            ..status(Standing::Waiting, Phase::Open)
        };
        let html = room(&snapshot, &status, None).render().unwrap();
        assert!(html.contains(&format!("content=\"{seconds};url=/queue/demo\"")));
    }
}

#[test]
fn nothing_is_inline_and_every_form_is_a_post() {
    for (name, html) in all() {
        let lower = html.to_lowercase();
        for bad in ["<style", " style=", "javascript:", "<base", "<iframe"] {
            assert!(!lower.contains(bad), "{name}: {bad}");
        }
        let handlers = lower.split(" on").skip(1).filter(|rest| {
            rest.split(['=', ' ', '>'])
                .next()
                .is_some_and(|word| rest.as_bytes().get(word.len()) == Some(&b'='))
        });
        assert_eq!(handlers.count(), 0, "{name}");
        for script in lower.split("<script").skip(1) {
            assert!(script.starts_with(" src=\"/tidegate/room-"), "{name}");
            assert!(script.contains("defer></script>"), "{name}");
        }
        assert_eq!(
            lower.matches("<form").count(),
            lower.matches("<form method=\"post\"").count()
        );
        assert_eq!(lower.matches("<h1").count(), 1, "{name}");
        assert!(
            lower.contains("<html lang=\"en\">") && lower.contains("<main"),
            "{name}"
        );
    }
}

#[test]
fn a_token_stands_in_a_hidden_field_and_never_in_an_address() {
    let html = page("granted");
    assert_eq!(html.matches("header.claims.signature").count(), 1);
    assert!(html.contains(
        r#"<input type="hidden" name="handoffToken" value="header.claims.signature" autocomplete="off">"#
    ));
    assert!(html.contains(r#"<form method="post" action="/checkout" id="handoff">"#));
    for (name, html) in all() {
        for attribute in ["href", "action", "src", "content", "data-queue"] {
            for value in values(&html, attribute) {
                assert!(
                    !value.contains("Token") && !value.contains("header."),
                    "{name}: {value}"
                );
            }
        }
    }
}

#[test]
fn hostile_words_stay_words() {
    let evil = r#""><script>alert('x')</script><p onclick="x" {ahead}"#;
    let product = Product {
        name: evil.into(),
        ..LAMP.clone()
    };
    let notice = Some(Notice {
        level: Level::Info,
        text: evil.into(),
    });
    let snapshot = Snapshot {
        notice,
        ..snapshot(Phase::Open)
    };
    let standing = Standing::Ready {
        position: 1,
        collect: true,
        claim_by: None,
    };
    let status = status(standing, Phase::Open);
    let granted = Granted {
        handoff_token: evil,
        checkout_url: evil,
        expires_at: NOW,
    };
    for granted in [None, Some(granted)] {
        let page = RoomPage {
            product: Some(&product),
            granted,
            ..room(&snapshot, &status, None)
        };
        let html = page.render().unwrap();
        assert_eq!(html.matches("<script").count(), 1);
        assert!(!html.contains("alert('x')") && !html.contains("onclick=\""));
        assert!(html.contains("{ahead}"));
    }
    let retry = Some(Retry {
        path: evil,
        after_seconds: None,
    });
    let html = problem_page(Failure::Internal, evil, retry).unwrap();
    assert!(!html.contains("<script") && !html.contains("onclick=\""));
}

#[test]
fn a_room_without_a_product_still_has_a_name() {
    let (snapshot, status) = (
        snapshot(Phase::Open),
        status(Standing::NotQueued, Phase::Open),
    );
    let html = RoomPage {
        product: None,
        ..room(&snapshot, &status, None)
    }
    .render()
    .unwrap();
    assert!(html.contains("<h1>Waiting room</h1>") && !html.contains("/products/"));
}

#[test]
fn the_form_that_joins_carries_the_entry_key() {
    let field = format!(r#"name="entryKey" value="{}""#, "07".repeat(16));
    assert!(page("join").contains(&field));
    // Who joins again must not repeat the entry that is over.
    assert!(!shown(&page("over")).contains("entryKey"));
}

#[test]
fn an_admission_that_is_over_counts_more_than_the_standing() {
    let snapshot = snapshot(Phase::Open);
    let status = status(
        Standing::Ready {
            position: 1,
            collect: true,
            claim_by: None,
        },
        Phase::Open,
    );
    for (message, heading) in [
        (Message::AdmissionOver, "Your turn is over"),
        (Message::SoldOut, "Sold out"),
        (Message::Closed, "This queue is closed"),
    ] {
        let html = room(&snapshot, &status, Some(message)).render().unwrap();
        assert!(shown(&html).contains(&format!("<h2 tabindex=\"-1\">{heading}</h2>")));
    }
}

#[test]
fn who_is_not_in_line_is_not_told_so() {
    let snapshot = snapshot(Phase::Open);
    let status = status(Standing::NotQueued, Phase::Open);
    let html = room(&snapshot, &status, Some(Message::Unreachable))
        .render()
        .unwrap();
    assert!(!shown(&html).contains("still in line"));
    assert!(shown(&html).contains("The queue is out of reach just now."));
}

#[test]
fn a_problem_page_tries_again_no_sooner_than_in_five_seconds() {
    let retry = Some(Retry {
        path: "/queue/demo",
        after_seconds: Some(1),
    });
    let html = problem_page(Failure::Unavailable, "r", retry).unwrap();
    assert!(html.contains(r#"<meta http-equiv="refresh" content="5;url=/queue/demo">"#));
    assert!(!page("problem-no-queue").contains("http-equiv"));
}

#[test]
fn the_first_load_stays_below_30_kb() {
    let assets: usize = asset_paths()
        .iter()
        .map(|path| asset(path).unwrap().body.len())
        .sum();
    for (name, html) in all() {
        assert!(
            html.len() + assets < 30 * 1024,
            "{name}: {} bytes",
            html.len() + assets
        );
        for path in values(&html, "href")
            .into_iter()
            .chain(values(&html, "src"))
        {
            assert!(
                !path.starts_with("/tidegate/") || asset(path).is_some(),
                "{name}: {path}"
            );
        }
    }
}
