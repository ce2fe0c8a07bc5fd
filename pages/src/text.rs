//! Every sentence that a shopper reads, in one place, so that a further language is one more
//! [`Text`]. `{name}` stands for a value; [`fill`] and the script put it in.

/// The sentences of one language.
pub(crate) struct Text {
    pub lang: &'static str,
    pub waiting_room: &'static str,
    /// The page's title in line, so that the place can be read on the tab.
    pub title_queued: &'static str,
    pub title_other: &'static str,

    pub soon_heading: &'static str,
    pub soon_at: &'static str,
    pub soon_unknown: &'static str,

    pub join_heading: &'static str,
    pub join_lead: &'static str,
    pub join_lot: &'static str,
    pub join_opens: &'static str,
    pub join_wait: &'static str,
    pub join_button: &'static str,
    pub join_paused: &'static str,
    pub joining: &'static str,

    pub waiting_heading: &'static str,
    pub waiting_lead: &'static str,
    pub waiting_opens: &'static str,
    pub waiting_sealing: &'static str,
    pub waiting_next: &'static str,

    pub queued_heading: &'static str,
    pub ahead_none: &'static str,
    pub ahead_one: &'static str,
    pub ahead_other: &'static str,
    pub place: &'static str,
    pub wait: &'static str,
    pub front: &'static str,
    pub paused: &'static str,
    pub queued_say: &'static str,

    pub next_heading: &'static str,
    pub next_called: &'static str,
    pub next_kept: &'static str,
    pub next_fair: &'static str,
    pub check_order: &'static str,

    pub wait_unknown: &'static str,
    pub wait_under: &'static str,
    pub wait_minutes: &'static str,
    pub wait_hours: &'static str,
    pub wait_days: &'static str,

    pub ready_heading: &'static str,
    pub ready_lead: &'static str,
    pub ready_present: &'static str,
    pub ready_paused: &'static str,
    pub ready_kept: &'static str,
    pub ready_button: &'static str,

    pub reserve_heading: &'static str,
    pub reserve_rank: &'static str,
    pub reserve_lead: &'static str,
    pub reserve_next: &'static str,
    pub not_selected_heading: &'static str,
    pub not_selected_lead: &'static str,

    pub granted_heading: &'static str,
    pub granted_lead: &'static str,
    pub granted_until: &'static str,
    pub granted_button: &'static str,

    pub over_heading: &'static str,
    pub over_lead: &'static str,
    pub over_button: &'static str,
    pub sold_out_heading: &'static str,
    pub sold_out_lead: &'static str,
    pub closed_heading: &'static str,
    pub closed_lead: &'static str,
    pub to_product: &'static str,

    pub leave: &'static str,
    pub leave_warning: &'static str,
    pub leave_button: &'static str,
    pub updated: &'static str,
    pub check_now: &'static str,
    pub reloads: &'static str,

    pub lost: &'static str,
    pub lost_outside: &'static str,
    pub back: &'static str,

    pub notice_info: &'static str,
    pub notice_warning: &'static str,
    pub notice_critical: &'static str,

    pub said_left: &'static str,
    pub said_not_yet: &'static str,
    pub said_paused: &'static str,
    pub said_full: &'static str,
    pub said_reset: &'static str,
    pub still_full: &'static str,

    pub problems: Problems,
}

/// Heading and sentence of each page that stands in for one that failed.
pub(crate) struct Problems {
    pub queue_not_found: [&'static str; 2],
    pub not_found: [&'static str; 2],
    pub refused: [&'static str; 2],
    pub busy: [&'static str; 2],
    pub shop_unreachable: [&'static str; 2],
    pub unavailable: [&'static str; 2],
    pub internal: [&'static str; 2],
    pub again_in: &'static str,
    pub again_button: &'static str,
    pub to_shop: &'static str,
    pub reference: &'static str,
}

/// English.
pub(crate) static ENGLISH: Text = Text {
    lang: "en",
    waiting_room: "Waiting room",
    title_queued: "{ahead} ahead – {product}",
    title_other: "{state} – {product}",

    soon_heading: "Not open yet",
    soon_at: "You can join the queue from",
    soon_unknown: "Please come back a little later.",

    join_heading: "There is a queue for this",
    join_lead: "Join once and you have a place. It is kept if you close this page.",
    join_lot: "Everybody who joins before the opening has the same chance: the order is drawn at \
               random. There is no need to hurry.",
    join_opens: "The queue opens",
    join_wait: "Expected wait if you join now",
    join_button: "Join the queue",
    join_paused: "Nobody is being let in just now. You can still join and have a place.",
    joining: "Joining …",

    waiting_heading: "You are in",
    waiting_lead: "At the opening, the order is drawn at random among everybody who came before. \
                   Coming early or late makes no difference.",
    waiting_opens: "The queue opens",
    waiting_sealing: "The order is being drawn now.",
    waiting_next: "At the opening, this page shows your place.",

    queued_heading: "You are in line",
    ahead_none: "people ahead: you are next",
    ahead_one: "person ahead of you",
    ahead_other: "people ahead of you",
    place: "Your place",
    wait: "Expected wait",
    front: "The queue has come to place {front}.",
    paused: "Paused: nobody is being let in just now. Your place stays as it is.",
    queued_say: "{state}. {ahead} {label}. Expected wait: {wait}.",

    next_heading: "What happens next",
    next_called: "When it is your turn, this page leads on to the checkout.",
    next_kept: "You may close this page: come back in the same browser and your place is kept.",
    next_fair: "Reloading or more windows do not change your place.",
    check_order: "Check the order yourself (opens another page)",

    wait_unknown: "not known yet",
    wait_under: "less than a minute",
    wait_minutes: "about {low} to {high} minutes",
    wait_hours: "about {low} to {high} hours",
    wait_days: "more than a day",

    ready_heading: "It is your turn",
    ready_lead: "You have been called up.",
    ready_present: "You are called up and among the next for a free place at the checkout. Stay on \
                    this page.",
    ready_paused: "You have been called up, but nobody is being let in just now. Your turn is kept.",
    ready_kept: "Should you be away for a while: your turn is kept while the queue is open.",
    ready_button: "It is your turn: continue",

    reserve_heading: "You are on the reserve list",
    reserve_rank: "your place on the reserve list",
    reserve_lead: "All places went to others in the draw. Whoever does not take theirs in time makes room \
                   for the next on this list, in order.",
    reserve_next: "When a place comes free for you, this page says so.",
    not_selected_heading: "Not drawn this time",
    not_selected_lead: "The draw is over, and it did not come to your place. Nothing was charged.",

    granted_heading: "Your checkout is ready",
    granted_lead: "Thank you for waiting.",
    granted_until: "Please go on before",
    granted_button: "Go to checkout",

    over_heading: "Your turn is over",
    over_lead: "Your place at the checkout was used, or its time has run out. If you have paid, all \
                is well: your order is with the shop. Otherwise you can join again at the end of the queue.",
    over_button: "Join again",
    sold_out_heading: "Sold out",
    sold_out_lead: "Everything that was for sale here is sold. Thank you for waiting.",
    closed_heading: "This queue is closed",
    closed_lead: "Nobody else is being let in. Thank you for waiting.",
    to_product: "See {product} in the shop",

    leave: "Leave the queue",
    leave_warning: "You give up your place. If you come back, you start at the end.",
    leave_button: "Leave and give up my place",
    updated: "Updated",
    check_now: "Check now",
    reloads: "This page reloads by itself.",

    lost: "The connection is down. You are still in line; we will try again.",
    lost_outside: "The queue is out of reach just now. We will try again.",
    back: "The connection is back. You are still in line.",

    notice_info: "From the shop:",
    notice_warning: "Please note:",
    notice_critical: "Important:",

    said_left: "You have left the queue.",
    said_not_yet: "It is not your turn yet. You keep your place.",
    said_paused: "Nobody is being let in just now. You keep your place.",
    said_full: "The queue is full just now. Please try again in a few minutes.",
    said_reset: "The queue was started anew, and earlier places no longer count. Please join again.",
    still_full: "The queue is full just now. We will try again.",

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

impl Text {
    /// The sentences that the script puts together, by the names it knows them by.
    pub(crate) fn for_script(&self) -> [(&'static str, &'static str); 20] {
        [
            ("titleQueued", self.title_queued),
            ("titleOther", self.title_other),
            ("aheadNone", self.ahead_none),
            ("ahead_one", self.ahead_one),
            ("ahead_other", self.ahead_other),
            ("front", self.front),
            ("say", self.queued_say),
            ("waitUnknown", self.wait_unknown),
            ("waitUnder", self.wait_under),
            ("waitMinutes", self.wait_minutes),
            ("waitHours", self.wait_hours),
            ("waitDays", self.wait_days),
            ("joining", self.joining),
            ("full", self.still_full),
            ("lost", self.lost),
            ("lostOutside", self.lost_outside),
            ("back", self.back),
            ("info", self.notice_info),
            ("warning", self.notice_warning),
            ("critical", self.notice_critical),
        ]
    }

    /// What stands after the number of people ahead.
    pub(crate) fn ahead_label(&self, ahead: u64) -> &'static str {
        match ahead {
            0 => self.ahead_none,
            1 => self.ahead_one,
            _ => self.ahead_other,
        }
    }
}

/// Puts `values` in the places that `sentence` has for them. A value is never read as a place.
pub(crate) fn fill(sentence: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(sentence.len().saturating_mul(2));
    let mut rest = sentence;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            break;
        };
        if let Some((_, value)) = values.iter().find(|(key, _)| *key == name) {
            filled.push_str(value);
        }
        rest = after;
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_looks_like_a_place_stays_as_it_is() {
        let filled = fill("{a} and {b}!", &[("a", "{b}"), ("b", "2")]);
        assert_eq!(filled, "{b} and 2!");
    }

    #[test]
    fn no_sentence_for_the_script_is_empty() {
        assert!(
            ENGLISH
                .for_script()
                .iter()
                .all(|(_, sentence)| !sentence.is_empty())
        );
    }
}
