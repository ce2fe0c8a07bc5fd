//! Text that came from elsewhere, made safe to show.

/// The text without anything that a terminal would obey.
pub fn plain(text: &str) -> String {
    let shown = |char: char| {
        if char.is_control() {
            char::REPLACEMENT_CHARACTER
        } else {
            char
        }
    };
    text.chars().map(shown).collect()
}
