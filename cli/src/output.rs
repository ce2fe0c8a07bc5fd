//! What a command says, and how text is laid out.

use core::fmt::Write;
use std::path::Path;

pub use tidegate_judge::plain;

/// What a command says in the end.
#[derive(Debug, Default)]
pub struct Output {
    /// What was asked for.
    pub stdout: String,
    /// What the operator should know beyond it.
    pub stderr: String,
}

impl Output {
    /// What was asked for, and nothing else to say.
    pub fn answer(stdout: impl Into<String>) -> Self {
        Self {
            stdout: stdout.into(),
            stderr: String::new(),
        }
    }
}

/// Rows as lines, each column as wide as its widest cell and two spaces from the next. All cells of
/// `numbers`, the indices of some columns, end where the column ends.
pub fn table(rows: &[Vec<String>], numbers: &[usize]) -> String {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        for (column, cell) in row.iter().enumerate() {
            let width = cell.chars().count();
            match widths.get_mut(column) {
                Some(widest) => *widest = width.max(*widest),
                None => widths.push(width),
            }
        }
    }
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            // Writing to a string cannot fail.
            let _ = if numbers.contains(&column) {
                write!(line, "{cell:>width$}  ")
            } else {
                write!(line, "{cell:<width$}  ")
            };
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A path as it can be typed after a command.
pub fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    let simple = |char: char| char.is_alphanumeric() || "/._-+@~".contains(char);
    if !text.is_empty() && text.chars().all(simple) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_lines_have_no_tail() {
        let rows = [["a", "9", "x"], ["long", "10", ""]]
            .map(|row| row.iter().map(ToString::to_string).collect());
        assert_eq!(table(&rows, &[1]), "a      9  x\nlong  10\n");
    }

    #[test]
    fn a_terminal_is_given_no_orders() {
        assert_eq!(plain("a\u{1b}[2Jb\r\nü"), "a\u{fffd}[2Jb\u{fffd}\u{fffd}ü");
    }

    #[test]
    fn a_path_with_a_space_can_still_be_typed() {
        assert_eq!(shell_word(Path::new("a/b-1.json")), "a/b-1.json");
        assert_eq!(shell_word(Path::new("my 'keys'")), r"'my '\''keys'\'''");
    }
}
