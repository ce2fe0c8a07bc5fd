//! Why a command did not do what it was asked: the thing, the cause and the remedy.

use std::process::ExitCode;

use crate::output::{Output, plain};

/// A command's end, other than success.
#[derive(Debug)]
pub struct Failure {
    message: String,
    remedy: Vec<String>,
    reply: String,
    code: u8,
}

impl Failure {
    /// It was tried, and refused or failed.
    pub fn failed(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            remedy: Vec::new(),
            reply: String::new(),
            code: 1,
        }
    }

    /// It was not even tried: the command line makes no sense as it stands.
    pub fn usage(message: impl Into<String>) -> Self {
        Self {
            code: 2,
            ..Self::failed(message)
        }
    }

    /// Adds a line about what to do.
    #[must_use]
    pub fn remedy(mut self, line: impl Into<String>) -> Self {
        self.remedy.push(line.into());
        self
    }

    /// Adds a reply that goes to stdout all the same.
    #[must_use]
    pub fn with_reply(mut self, reply: String) -> Self {
        self.reply = reply;
        self
    }

    /// What went wrong, without the remedy.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to print, and the exit code.
    pub fn into_output(self) -> (Output, ExitCode) {
        let mut stderr = format!("error: {}\n", plain(&self.message));
        for line in &self.remedy {
            stderr.push_str("  ");
            stderr.push_str(&plain(line));
            stderr.push('\n');
        }
        let output = Output {
            stdout: self.reply,
            stderr,
        };
        (output, ExitCode::from(self.code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_remedy_stands_below_the_error() {
        let failure = Failure::usage("no\u{7}such thing").remedy("make one");
        let (output, code) = failure.into_output();
        assert_eq!(output.stderr, "error: no\u{fffd}such thing\n  make one\n");
        assert_eq!(code, ExitCode::from(2));
    }
}
