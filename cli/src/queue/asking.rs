//! Asks before what takes something from shoppers. Where nobody can be asked, nothing is done.

use std::io::{self, BufRead, IsTerminal, Write};

use super::args::{Call, Confirmed};
use crate::failure::Failure;

impl Call {
    /// What this call would do that shoppers lose by, if anything, and the words that confirm it.
    fn cost(&self) -> Option<(&Confirmed, &'static str, &'static str)> {
        match self {
            Self::Delete(confirmed) => Some((
                confirmed,
                "delete would end and forget",
                "everybody in it loses their place for good",
            )),
            Self::Reset(confirmed) => Some((
                confirmed,
                "reset would empty",
                "everybody in it loses their place for good",
            )),
            Self::Close(confirmed) => Some((
                confirmed,
                "close would end",
                "nobody enters or is admitted any more, until it is reopened",
            )),
            _ => None,
        }
    }

    /// Asks the person at the terminal, unless it was confirmed.
    pub fn confirm(&self) -> Result<(), Failure> {
        let Some((confirmed, what, cost)) = self.cost().filter(|(confirmed, ..)| !confirmed.yes)
        else {
            return Ok(());
        };
        let question = format!("{what} queue \"{}\": {cost}", confirmed.id);
        if !io::stdin().is_terminal() {
            return Err(Failure::usage(question).remedy("add --yes if that is meant"));
        }
        match agrees(&question, &mut io::stdin().lock(), &mut io::stderr()) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Failure::failed("nothing was done")),
            Err(error) => Err(Failure::failed(format!("cannot ask: {error}"))),
        }
    }
}

/// Whether the line that follows the question is a yes.
fn agrees(question: &str, from: &mut impl BufRead, to: &mut impl Write) -> io::Result<bool> {
    write!(to, "{question}.\nGo on? [y/N] ")?;
    to.flush()?;
    let mut line = String::new();
    from.read_line(&mut line)?;
    Ok(matches!(line.trim().to_lowercase().as_str(), "y" | "yes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_is_a_yes() {
        for (line, yes) in [
            ("y\n", true),
            ("Yes\r\n", true),
            ("\n", false),
            ("", false),
            ("n\n", false),
            ("yesterday\n", false),
        ] {
            let mut asked = Vec::new();
            assert_eq!(
                agrees("It ends", &mut line.as_bytes(), &mut asked).unwrap(),
                yes
            );
            assert_eq!(asked, b"It ends.\nGo on? [y/N] ");
        }
    }
}
