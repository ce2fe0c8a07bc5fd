//! What the room says around an opening by lot, and in a draw.

use tidegate_core::config::Access;
use tidegate_core::view::snapshot::{Phase, Shuffle, Snapshot};
use tidegate_core::view::status::Standing;
use tidegate_pages::Message;

use crate::fixture::opening::shuffled;
use crate::fixture::{self, room, status};
use crate::{page, says, shown};

const CHECK: &str = r#"<a href="/verify?queue=demo" target="_blank" rel="noopener">Check that the order was fair (opens another page)</a>"#;

/// A page and what it must contain.
const MUSTS: &str = r#"
sealing | The order is being drawn | about half a minute | who came before the opening is fixed. Its fingerprint is published
sealing | public random number that did not exist when | nobody can choose the order | the shop included
sealing | drand, round <span data-v="round">24681357</span> | >abababababababababababababababababababababababababababababababab</code>
sealing-late | It is taking longer than usual
join-sealing | If you join now, you stand behind them. | action="/queue/demo/enter"
queued-sealing | Then it begins. | >312</b> | not known yet
draw-soon | You can join the draw from | 2026-11-21, 15:05 UTC
draw-join | the same chance | Entry closes, and the draw is held, on | 2026-11-21, 16:05 UTC
draw-join | Join the draw</button> | action="/queue/demo/enter"
draw-left | You have left the draw. | Join the draw</button>
draw-full | The draw is full just now.
draw-entry-closed | Entry to this draw has closed | not possible to join any more | /products/lamp
draw-missed | Entry to this draw has closed
draw-waiting | You are in the draw | The draw is on | 2026-11-21, 16:05 UTC | the same chance
draw-waiting | come back after the draw | Leave the draw | you cannot join again
draw-sealing | The draw is being held | Entry has closed, | <span data-v="round">24681357</span>
draw-won | You won a place | limited time only | it goes to the next person | action="/queue/demo/claim" | Take my place
draw-won-until | You won a place | kept for you until <time data-day data-v="claimBy" datetime="2026-11-21T16:05:09Z">2026-11-21, 16:05 UTC</time>. After that, it goes to the next person | Take my place
draw-won-until | <p data-if="kept" hidden> | content="7205;url=/queue/demo"
draw-lapsed-told | The time for your place ran out | it went to the next person in order | Nothing was charged.
draw-boarding-late | You have taken your place and are among the next
draw-won-paused | You won a place | the time to take it stands still
draw-boarding | You have taken your place and are among the next
draw-over | Your turn is over | If you have paid, all is well
draw-lapsed | The time for your place ran out | it went to the next person in order | Nothing was charged.
reserve | You are on the reserve list | >1,204</b> | As soon as 1,204 places come free, one is yours.
reserve | kept for a limited time only | until the draw ends, on <time data-day datetime="2026-11-22T14:05:09Z">
reserve-next | >1</b> | You are next: the first place that comes free is yours.
reserve-paused | Your number stays as it is. | >1,204</b>
reserve-not-yet | No place has come free for you yet. You stay in the draw. | >1,204</b>
reserve-stale | You are still in the draw; we will try again. | >1,204</b>
not-selected | You were not drawn this time | We are sorry. | Nothing was charged. | chance alone
draw-sold-out | Sold out | If you have paid, all is well
draw-closed | This draw is over | If you have paid, all is well
draw-won-closed | This draw is over
"#;

#[test]
fn each_state_of_an_opening_and_of_a_draw_says_what_a_shopper_needs() {
    says(MUSTS);
}

/// What a page says, and what its script may come to say, without the tags.
fn words(html: &str) -> Vec<String> {
    let texts = html.split('<').filter_map(|part| part.split_once('>'));
    texts
        .flat_map(|(_, text)| text.split(|letter: char| !letter.is_alphabetic()))
        .map(str::to_lowercase)
        .collect()
}

#[test]
fn nobody_in_a_draw_stands_in_a_line() {
    for (name, html) in fixture::rooms().unwrap() {
        let is_draw = html.contains(r#" data-access="draw""#);
        let of_a_line = words(&html)
            .into_iter()
            .find(|word| ["queue", "line", "ahead"].contains(&&**word));
        assert_eq!(of_a_line.is_none(), is_draw, "{name}: {of_a_line:?}");
    }
}

#[test]
fn an_order_can_be_checked_once_it_is_drawn_by_those_whom_it_concerns() {
    let offered = format!(r#"<p data-if="drawn">{CHECK}"#);
    let withheld = format!(r#"<p data-if="drawn" hidden>{CHECK}"#);
    for (name, is_offered) in [
        ("queued-shuffled", true),
        ("closed-shuffled", true),
        ("draw-won", true),
        ("draw-boarding", true),
        ("draw-over", true),
        ("draw-lapsed", true),
        ("reserve", true),
        ("not-selected", true),
        ("draw-sold-out", true),
        ("draw-closed", true),
        ("draw-waiting", false),
        ("draw-join", false),
        ("join-shuffled", false),
        ("draw-entry-closed", false),
        ("sealing", false),
        ("queued-sealing", false),
        // Open from the start: nobody was shuffled.
        ("queued", false),
        ("closed", false),
        ("granted", false),
    ] {
        let html = page(name);
        let html = shown(&html);
        assert_eq!(html.contains(&offered), is_offered, "{name}");
        assert_eq!(html.contains(&withheld), !is_offered, "{name}");
    }
}

#[test]
fn a_draw_that_nobody_entered_offers_nothing_to_check() {
    let snapshot = Snapshot {
        shuffle: Shuffle {
            entrants: Some(0),
            ..Shuffle::default()
        },
        ..shuffled(Access::Draw, Phase::Closed)
    };
    let status = status(Standing::NotQueued, Phase::Closed);
    let html = room(&snapshot, &status, None).render().unwrap();
    assert!(shown(&html).contains(r#"<p data-if="drawn" hidden>"#));
}

#[test]
fn who_comes_after_the_draw_is_offered_no_button_that_would_be_refused() {
    for phase in [Phase::Sealing, Phase::Open, Phase::Paused] {
        let status = status(Standing::NotQueued, phase);
        for (access, is_offered) in [(Access::Draw, false), (Access::Queue, true)] {
            let snapshot = shuffled(access, phase);
            let html = room(&snapshot, &status, None).render().unwrap();
            let html = shown(&html);
            assert_eq!(html.contains("/queue/demo/enter"), is_offered, "{phase:?}");
        }
    }
    for name in ["draw-missed", "draw-over", "draw-lapsed", "not-selected"] {
        assert!(!shown(&page(name)).contains("/queue/demo/enter"), "{name}");
    }
}

#[test]
fn a_refused_claim_tells_the_holder_of_a_place_that_the_draw_is_over() {
    let won = Standing::Ready {
        position: 1,
        collect: false,
        claim_by: None,
    };
    let snapshot = shuffled(Access::Draw, Phase::Open);
    let status = status(won, Phase::Open);
    let html = room(&snapshot, &status, Some(Message::Closed))
        .render()
        .unwrap();
    assert!(shown(&html).contains("<h2 tabindex=\"-1\">This draw is over</h2>"));
}

#[test]
fn a_draw_out_of_reach_is_not_called_over_to_whoever_may_hold_an_admission() {
    let admitted = Standing::Ready {
        position: 1,
        collect: true,
        claim_by: None,
    };
    let snapshot = shuffled(Access::Draw, Phase::Closed);
    let status = status(admitted, Phase::Closed);
    let page = room(&snapshot, &status, Some(Message::Unreachable));
    let html = page.render().unwrap();
    assert!(shown(&html).contains("action=\"/queue/demo/claim\""));
}

#[test]
fn a_page_knows_no_state_of_the_other_kind() {
    let (queue, draw) = (page("queued-shuffled"), page("reserve"));
    for (state, is_draw_s) in [("queued", false), ("reserve", true), ("notSelected", true)] {
        let template = format!(r#"<template id="state-{state}">"#);
        assert_eq!(queue.contains(&template), !is_draw_s, "{state}");
        assert_eq!(draw.contains(&template), is_draw_s, "{state}");
    }
}
