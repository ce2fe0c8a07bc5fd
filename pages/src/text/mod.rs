//! Every sentence that a shopper reads, in one place, so that a further language is one more
//! [`Text`]. `{name}` stands for a value; [`fill`] and the script put it in.

mod english;

use tidegate_core::config::Access;

pub(crate) use english::ENGLISH;

/// The sentences of one language.
pub(crate) struct Text {
    pub lang: &'static str,
    pub waiting_room: &'static str,
    /// The page's title in line, so that the place can be read on the tab.
    pub title_queued: &'static str,
    pub title_reserve: &'static str,
    pub title_other: &'static str,

    pub queue: Wording,
    pub draw: Wording,

    pub soon_heading: &'static str,
    pub soon_unknown: &'static str,

    pub join_wait: &'static str,
    pub join_nobody: &'static str,
    pub join_paused: &'static str,
    pub join_sealing: &'static str,
    pub joining: &'static str,
    pub entry_closed_heading: &'static str,
    pub entry_closed_lead: &'static str,
    pub entry_closed_entered: &'static str,

    pub waiting_return: &'static str,

    pub sealing_lead: &'static str,
    pub sealing_late: &'static str,
    pub sealing_why: &'static str,
    pub sealing_chance: &'static str,
    pub sealing_nobody: &'static str,
    pub sealing_round: &'static str,
    pub sealing_drand: &'static str,
    pub sealing_root: &'static str,

    pub queued_heading: &'static str,
    pub queued_sealing: &'static str,
    pub ahead_none: &'static str,
    pub ahead_one: &'static str,
    pub ahead_other: &'static str,
    pub place: &'static str,
    pub wait: &'static str,
    pub front: &'static str,
    pub front_none: &'static str,
    pub queued_say: &'static str,

    pub next_heading: &'static str,
    pub next_called: &'static str,
    pub next_fair: &'static str,

    pub wait_unknown: &'static str,
    pub wait_under: &'static str,
    pub wait_minutes: &'static str,
    pub wait_hours: &'static str,
    /// Where only the most is known, and where only the least is.
    pub wait_most_minutes: &'static str,
    pub wait_most_hours: &'static str,
    pub wait_least_minutes: &'static str,
    pub wait_least_hours: &'static str,
    pub wait_days: &'static str,

    pub reserve_heading: &'static str,
    pub reserve_rank: &'static str,
    pub reserve_lead: &'static str,
    pub reserve_one: &'static str,
    pub reserve_other: &'static str,
    pub reserve_next: &'static str,
    pub reserve_return: &'static str,
    pub reserve_ends: &'static str,
    pub reserve_say: &'static str,
    pub not_selected_heading: &'static str,
    pub not_selected_lead: &'static str,
    pub not_selected_chance: &'static str,

    pub ready_until: &'static str,
    pub ready_after: &'static str,

    pub granted_heading: &'static str,
    pub granted_lead: &'static str,
    pub granted_until: &'static str,
    pub granted_button: &'static str,

    pub over_heading: &'static str,
    pub over_button: &'static str,
    pub lapsed_heading: &'static str,
    pub lapsed_lead: &'static str,
    pub sold_out_heading: &'static str,
    pub to_product: &'static str,

    pub check_order: &'static str,
    pub see_promise: &'static str,
    pub updated: &'static str,
    pub check_now: &'static str,
    pub reloads: &'static str,

    pub notice_info: &'static str,
    pub notice_warning: &'static str,
    pub notice_critical: &'static str,

    pub said_at_checkout: &'static str,
    pub said_paused: &'static str,

    pub problems: Problems,
}

/// What a queue and a draw say each in their own words: in a draw nobody stands in line.
pub(crate) struct Wording {
    pub soon_at: &'static str,
    pub join_heading: &'static str,
    pub join_lead: &'static str,
    pub join_lot: &'static str,
    pub join_opens: &'static str,
    pub join_button: &'static str,

    pub waiting_heading: &'static str,
    pub waiting_opens: &'static str,
    pub waiting_lead: &'static str,
    pub waiting_next: &'static str,
    pub next_kept: &'static str,

    pub sealing_heading: &'static str,
    pub sealing_fixed: &'static str,

    pub ready_heading: &'static str,
    pub ready_lead: &'static str,
    pub ready_present: &'static str,
    pub ready_paused: &'static str,
    pub ready_kept: &'static str,
    pub ready_button: &'static str,
    pub paused: &'static str,

    pub over_lead: &'static str,
    pub sold_out_lead: &'static str,
    pub closed_heading: &'static str,
    pub closed_lead: &'static str,

    pub leave: &'static str,
    pub leave_warning: &'static str,
    pub leave_button: &'static str,

    pub lost: &'static str,
    pub lost_outside: &'static str,
    pub back: &'static str,
    pub said_left: &'static str,
    pub said_not_yet: &'static str,
    pub said_full: &'static str,
    pub said_reset: &'static str,
    pub still_full: &'static str,
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

impl Text {
    /// How this kind of queue is spoken of.
    pub(crate) const fn of(&self, access: Access) -> &Wording {
        match access {
            Access::Queue => &self.queue,
            Access::Draw => &self.draw,
        }
    }

    /// The sentences that the script puts together, by the names it knows them by.
    pub(crate) fn for_script(&self, access: Access) -> Vec<(&'static str, &'static str)> {
        let words = self.of(access);
        let mut sentences = vec![
            ("titleOther", self.title_other),
            ("joining", self.joining),
            ("full", words.still_full),
            ("lost", words.lost),
            ("lostOutside", words.lost_outside),
            ("back", words.back),
            ("info", self.notice_info),
            ("warning", self.notice_warning),
            ("critical", self.notice_critical),
        ];
        match access {
            Access::Queue => sentences.extend([
                ("titlePlace", self.title_queued),
                ("aheadNone", self.ahead_none),
                ("ahead_one", self.ahead_one),
                ("ahead_other", self.ahead_other),
                ("front", self.front),
                ("frontNone", self.front_none),
                ("say", self.queued_say),
                ("waitUnknown", self.wait_unknown),
                ("waitUnder", self.wait_under),
                ("waitMinutes", self.wait_minutes),
                ("waitHours", self.wait_hours),
                ("waitMostMinutes", self.wait_most_minutes),
                ("waitMostHours", self.wait_most_hours),
                ("waitLeastMinutes", self.wait_least_minutes),
                ("waitLeastHours", self.wait_least_hours),
                ("waitDays", self.wait_days),
            ]),
            Access::Draw => sentences.extend([
                ("titlePlace", self.title_reserve),
                ("reserve_one", self.reserve_one),
                ("reserve_other", self.reserve_other),
                ("say", self.reserve_say),
            ]),
        }
        sentences
    }

    /// What a number on the reserve list means.
    pub(crate) fn reserve_need(&self, rank: u64) -> &'static str {
        match rank {
            0 | 1 => self.reserve_one,
            _ => self.reserve_other,
        }
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
        for access in [Access::Queue, Access::Draw] {
            let mut sentences = ENGLISH.for_script(access).into_iter();
            assert!(sentences.all(|(_, sentence)| !sentence.is_empty()));
        }
    }
}
