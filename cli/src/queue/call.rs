//! What is sent for each command.

use reqwest::Method;
use serde_json::{Value, json};
use tidegate_core::ids::QueueId;
use tidegate_core::view::snapshot::{Level, Notice};

use super::args::{Call, Configure, Loudness};
use super::settings;
use crate::failure::Failure;

/// A request, without where it goes and who sends it.
#[derive(Debug)]
pub struct Request {
    pub method: Method,
    /// Below `/v1/admin`.
    pub path: Vec<String>,
    pub query: Vec<(&'static str, String)>,
    pub body: Option<Value>,
}

impl Call {
    /// The request that does it.
    pub fn request(&self) -> Result<Request, Failure> {
        Ok(match self {
            Self::List => request(Method::GET, None, None),
            Self::Show(one) => request(Method::GET, Some(&one.id), None),
            Self::Put(put) => {
                let confirm = ("confirm", String::from("removal"));
                Request {
                    query: put.confirm_removal.then_some(confirm).into_iter().collect(),
                    ..configured(Method::PUT, &put.configure)?
                }
            }
            Self::Patch(configure) => configured(Method::PATCH, configure)?,
            Self::Delete(confirmed) => request(Method::DELETE, Some(&confirmed.id), None),
            Self::Pause(one) => request(Method::POST, Some(&one.id), Some("pause")),
            Self::Resume(one) => request(Method::POST, Some(&one.id), Some("resume")),
            Self::Close(confirmed) => request(Method::POST, Some(&confirmed.id), Some("close")),
            Self::Reopen(one) => request(Method::POST, Some(&one.id), Some("reopen")),
            Self::Reset(confirmed) => request(Method::POST, Some(&confirmed.id), Some("reset")),
            Self::Notice(notice) => {
                let said = notice.words.text.as_ref().map(|text| Notice {
                    level: notice.level.into(),
                    text: text.clone(),
                });
                Request {
                    body: Some(json!(said)),
                    ..request(Method::PUT, Some(&notice.id), Some("notice"))
                }
            }
            Self::Admissions(admissions) => {
                let state = admissions
                    .state
                    .as_ref()
                    .map(|state| ("state", state.clone()));
                let after = admissions.after.map(|after| ("after", after.to_string()));
                Request {
                    query: state.into_iter().chain(after).collect(),
                    ..request(Method::GET, Some(&admissions.id), Some("admissions"))
                }
            }
        })
    }
}

impl From<Loudness> for Level {
    fn from(loudness: Loudness) -> Self {
        match loudness {
            Loudness::Info => Self::Info,
            Loudness::Warning => Self::Warning,
            Loudness::Critical => Self::Critical,
        }
    }
}

fn request(method: Method, id: Option<&QueueId>, action: Option<&str>) -> Request {
    let mut path = vec![String::from("queues")];
    path.extend(id.map(ToString::to_string));
    path.extend(action.map(str::to_owned));
    Request {
        method,
        path,
        query: Vec::new(),
        body: None,
    }
}

fn configured(method: Method, configure: &Configure) -> Result<Request, Failure> {
    Ok(Request {
        body: Some(settings::read(&configure.source)?),
        ..request(method, Some(&configure.id), None)
    })
}
