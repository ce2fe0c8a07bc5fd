//! The secrets that sign: what they are for, how the Worker reads them, and how long what they
//! signed lives.

use std::path::Path;

use clap::ValueEnum;
use tidegate_core::token::handoff::HandoffKeys;
use tidegate_core::token::keys::Reach;
use tidegate_core::token::ticket::TicketKeys;

use crate::failure::Failure;

/// A secret that signs.
#[derive(Clone, Copy, ValueEnum)]
pub enum Secret {
    /// Signs tickets: a shopper's place in line
    #[value(name = "TICKET_KEYS")]
    Ticket,
    /// Signs handoff tokens: a shopper's way into the checkout
    #[value(name = "HANDOFF_KEYS")]
    Handoff,
}

impl Secret {
    /// The secret binding's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ticket => "TICKET_KEYS",
            Self::Handoff => "HANDOFF_KEYS",
        }
    }

    /// Reads the text as the deployed Worker will.
    pub fn check(self, text: &str, path: &Path) -> Result<(), Failure> {
        let read = match self {
            Self::Ticket => TicketKeys::read(text, Reach::Public).err(),
            Self::Handoff => HandoffKeys::read(text, Reach::Public).err(),
        };
        match read {
            Some(problem) => Err(Failure::failed(format!(
                "the Worker could not use this: {}",
                problem.detail
            ))
            .remedy(format!("{} was not changed", path.display()))),
            None => Ok(()),
        }
    }

    /// What has to happen after step 1, beyond that it is deployed.
    pub const fn condition(self) -> &'static str {
        match self {
            Self::Ticket => "When that has spread, which takes a minute or so",
            Self::Handoff => {
                "An hour after that, when no checkout still caches the public keys from before"
            }
        }
    }

    /// When what the old key signed has run out.
    pub const fn patience(self) -> &'static str {
        match self {
            Self::Ticket => {
                "A month after every queue that was live until then has ended (or 400 days after that), when the last tickets that the old key signed have run out"
            }
            Self::Handoff => {
                "A day after that, when all handoff tokens that the old key signed have run out"
            }
        }
    }
}
