//! English.

use super::{Problems, Text, Wording};

pub(crate) static ENGLISH: Text = Text {
    lang: "en",
    waiting_room: "Waiting room",
    title_queued: "{ahead} ahead – {product}",
    title_reserve: "Number {rank} on the reserve list – {product}",
    title_other: "{state} – {product}",

    queue: QUEUE,
    draw: DRAW,

    soon_heading: "Not open yet",
    soon_unknown: "Please come back a little later.",

    join_wait: "Expected wait if you join now",
    join_nobody: "nobody is in line just now",
    join_paused: "Nobody is being let in just now. You can still join and have a place.",
    join_sealing: "The order of those who came before the opening is being drawn just now. If \
                   you join now, you stand behind them.",
    joining: "Joining …",
    entry_closed_heading: "Entry to this draw has closed",
    entry_closed_lead: "The draw is among those who entered in time. It is not possible to join any \
                        more.",
    entry_closed_entered: "If you entered, open this page in the browser that you used then.",

    waiting_return: "Do come back after the draw: a place that you win is kept for a limited time \
                     only.",

    sealing_lead: "This takes about half a minute. You need not do anything: this page goes on by \
                   itself.",
    sealing_late: "It is taking longer than usual. You lose nothing by that: the list stays as it is.",
    sealing_why: "Why nobody can choose the order",
    sealing_chance: "The order follows from a public random number that did not exist when the list \
                     was fixed. It is made about half a minute later.",
    sealing_nobody: "So nobody can choose the order or know it beforehand, the shop included.",
    sealing_round: "Where the number comes from",
    sealing_drand: "drand, round",
    sealing_root: "Fingerprint of the list",

    queued_heading: "You are in line",
    queued_sealing: "The order of those who came before the opening is being drawn just now. Then it \
                     begins.",
    ahead_none: "people ahead: you are next",
    ahead_one: "person ahead of you",
    ahead_other: "people ahead of you",
    place: "Your place",
    wait: "Expected wait",
    front: "The queue has come to place {front}.",
    front_none: "Nobody has been called up yet.",
    queued_say: "{state}. {ahead} {label}. Expected wait: {wait}.",

    next_heading: "What happens next",
    next_called: "When it is your turn, this page leads on to the checkout.",
    next_fair: "Reloading or more windows do not change your place.",

    wait_unknown: "not known yet",
    wait_under: "less than a minute",
    wait_minutes: "between {low} and {high} minutes",
    wait_hours: "between {low} and {high} hours",
    wait_most_minutes: "up to {high} minutes",
    wait_most_hours: "up to {high} hours",
    wait_least_minutes: "at least {low} minutes",
    wait_least_hours: "at least {low} hours",
    wait_days: "more than a day",

    reserve_heading: "You are on the reserve list",
    reserve_rank: "is your number on the list",
    reserve_lead: "The places went to others in the draw. A place that is not taken in time goes to \
                   the next on this list.",
    reserve_one: "You are next: the first place that comes free is yours.",
    reserve_other: "As soon as {rank} places come free, one is yours.",
    reserve_next: "When a place comes free for you, this page says so.",
    reserve_return: "Do look in now and then: that place is kept for a limited time only.",
    reserve_ends: "Places may come free until the draw ends, on",
    reserve_say: "{state}. Your number is {rank}.",
    not_selected_heading: "You were not drawn this time",
    not_selected_lead: "This draw is over, and no place came to you. We are sorry. Nothing was charged.",
    not_selected_chance: "It was chance alone: nothing that you did made a difference.",

    ready_until: "It is kept for you until",
    ready_after: "After that, it goes to the next person in order.",

    granted_heading: "Your checkout is ready",
    granted_lead: "Thank you for waiting.",
    granted_until: "Please go on before",
    granted_button: "Go to checkout",

    over_heading: "Your turn is over",
    over_button: "Join again",
    lapsed_heading: "The time for your place ran out",
    lapsed_lead: "You had won a place. It was not taken in time, and it went to the next person in \
                  order. We are sorry. Nothing was charged.",
    sold_out_heading: "Sold out",
    to_product: "See {product} in the shop",

    check_order: "Check that the order was fair (opens another page)",
    see_promise: "See what is promised of the order (opens another page)",
    updated: "Updated",
    check_now: "Check now",
    reloads: "This page reloads by itself.",

    notice_info: "From the shop:",
    notice_warning: "Please note:",
    notice_critical: "Important:",

    said_at_checkout: "The checkout has your place now, and holds it until your order is over. To give it up, cancel your order there.",
    said_paused: "Nobody is being let in just now. You keep your place.",

    problems: Problems {
        queue_not_found: [
            "There is no such queue",
            "The address may be mistyped, or the sale is over and its queue was removed.",
        ],
        not_found: [
            "There is nothing here",
            "The address may be mistyped or out of date.",
        ],
        refused: [
            "That did not work",
            "The request was not complete or not allowed. Go back and try again.",
        ],
        busy: [
            "A lot is going on just now",
            "Please try again in a moment. If you have a place in a queue, it is kept.",
        ],
        shop_unreachable: [
            "The shop is out of reach",
            "It does not answer just now. A place in a queue is not lost by that.",
        ],
        unavailable: [
            "We will be right back",
            "The waiting room is out of reach just now. If you have a place, it is kept.",
        ],
        internal: [
            "Something went wrong on our side",
            "If you have a place in a queue, it is kept. Please try again.",
        ],
        again_in: "This page tries again by itself in {seconds} seconds.",
        again_button: "Try again",
        to_shop: "To the shop",
        reference: "Reference",
    },
};

const QUEUE: Wording = Wording {
    soon_at: "You can join the queue from",
    join_heading: "There is a queue for this",
    join_lead: "Join once and you have a place. It is kept if you close this page.",
    join_lot: "Everybody who joins before the opening has the same chance: the order is drawn at \
               random. There is no need to hurry.",
    join_opens: "The queue opens",
    join_button: "Join the queue",

    waiting_heading: "You are in",
    waiting_opens: "The queue opens",
    waiting_lead: "At the opening, the order is drawn at random among everybody who came before. \
                   Coming early or late makes no difference.",
    waiting_next: "Soon after the opening, this page shows your place.",
    next_kept: "You may close this page: come back in the same browser and your place is kept.",

    sealing_heading: "The order is being drawn",
    sealing_fixed: "The list of everybody who came before the opening is fixed. Its fingerprint is \
                    published, so that nobody can change it any more.",

    ready_heading: "It is your turn",
    ready_lead: "You have been called up.",
    ready_present: "You are called up and among the next for a free place at the checkout. Stay on \
                    this page.",
    ready_paused: "You have been called up, but nobody is being let in just now. Your turn is kept.",
    ready_kept: "Should you be away for a while: your turn is kept while the queue is open.",
    ready_button: "It is your turn: continue",
    paused: "Paused: nobody is being let in just now. Your place stays as it is.",

    over_lead: "Your place at the checkout was used, or its time has run out. If you have paid, all \
                is well: your order is with the shop. Otherwise you can join again at the end of the queue.",
    sold_out_lead: "Everything that was for sale here is sold. Thank you for waiting.",
    closed_heading: "This queue is closed",
    closed_lead: "Nobody else is being let in. Thank you for waiting.",

    leave: "Leave the queue",
    leave_warning: "You give up your place. If you come back, you start at the end.",
    leave_button: "Leave and give up my place",

    lost: "The connection is down. You are still in line; we will try again.",
    lost_outside: "The queue is out of reach just now. We will try again.",
    back: "The connection is back. You are still in line.",
    said_left: "You have left the queue.",
    said_not_yet: "It is not your turn yet. You keep your place.",
    said_full: "The queue is full just now. Please try again in a few minutes.",
    said_reset: "The queue was started anew, and earlier places no longer count. Please join again.",
    still_full: "The queue is full just now. We will try again.",
};

const DRAW: Wording = Wording {
    soon_at: "You can join the draw from",
    join_heading: "Places are given by draw",
    join_lead: "Join once and you are in. You may close this page after that.",
    join_lot: "Everybody who joins before entry closes has the same chance, early or late. There is \
               no need to hurry.",
    join_opens: "Entry closes, and the draw is held, on",
    join_button: "Join the draw",

    waiting_heading: "You are in the draw",
    waiting_opens: "The draw is on",
    waiting_lead: "Everybody who joins before then has the same chance. Coming early or late makes no \
                   difference.",
    waiting_next: "Soon after the draw, this page says whether you won a place.",
    next_kept: "You may close this page: come back in the same browser and you are still in the draw.",

    sealing_heading: "The draw is being held",
    sealing_fixed: "Entry has closed, and the list of everybody in the draw is fixed. Its \
                    fingerprint is published, so that nobody can change it any more.",

    ready_heading: "You won a place",
    ready_lead: "It is yours to take now. Press the button to go on to the checkout.",
    ready_present: "You have taken your place and are among the next at the checkout. Stay on this \
                    page.",
    ready_paused: "It is kept for you. Nobody is being let in just now, and the time to take it \
                   stands still.",
    ready_kept: "Your place is kept for a limited time only. After that, it goes to the next person \
                 in order.",
    ready_button: "Take my place",
    paused: "Paused: nobody is being let in just now. Your number stays as it is.",

    over_lead: "Your place at the checkout was used, or its time has run out. If you have paid, all \
                is well: your order is with the shop.",
    sold_out_lead: "Every place in this draw was taken. If you have paid, all is well: your order is \
                    with the shop.",
    closed_heading: "This draw is over",
    closed_lead: "Nobody else gets a place. If you have paid, all is well: your order is with the shop.",

    leave: "Leave the draw",
    leave_warning: "You give up your chance, and your place if you won one. Once entry has closed, \
                    you cannot join again.",
    leave_button: "Leave and give up my chance",

    lost: "The connection is down. You are still in the draw; we will try again.",
    lost_outside: "The draw is out of reach just now. We will try again.",
    back: "The connection is back. You are still in the draw.",
    said_left: "You have left the draw.",
    said_not_yet: "No place has come free for you yet. You stay in the draw.",
    said_full: "The draw is full just now. Please try again in a few minutes.",
    said_reset: "The draw was started anew, and earlier entries no longer count. Please join again.",
    still_full: "The draw is full just now. We will try again.",
};
