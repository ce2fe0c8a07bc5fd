//! `tidegate queue`: the operator's calls to a running deployment, one HTTP request a command.

mod args;
mod asking;
mod call;
mod client;
mod edge;
mod settings;
mod text;

use std::env;

pub use args::QueueArgs;
pub use edge::{Edge, bearer, read_key_file};
pub use settings::{Setting, join as join_settings};

use crate::failure::Failure;
use crate::output::Output;

/// The variable that holds an admin key: on the command line others could read it.
pub const KEY_VARIABLE: &str = "TIDEGATE_ADMIN_KEY";

/// Does what was asked.
pub async fn run(args: QueueArgs) -> Result<Output, Failure> {
    let edge = Edge::parse(&args.place.url)?;
    // What is wrong with the command itself comes first: no key is needed to say it.
    let request = args.call.request()?;
    args.call.confirm()?;
    let key = edge.admin_key(args.place.key_file.as_deref(), env::var_os(KEY_VARIABLE))?;
    match client::send(&edge, &key, &request).await? {
        client::Reply::Done(reply) if args.place.json => Ok(Output::answer(reply.raw)),
        client::Reply::Done(reply) => {
            let stderr = text::remarks(&reply);
            Ok(Output {
                stderr,
                ..Output::answer(text::answer(&args.call, &request, &reply))
            })
        }
        client::Reply::Refused(refusal) => {
            let raw = if args.place.json {
                refusal.raw.clone()
            } else {
                String::new()
            };
            Err(refusal.into_failure(&edge, &key).with_reply(raw))
        }
    }
}
