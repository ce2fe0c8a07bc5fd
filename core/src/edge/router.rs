//! Which call a request is for, and the answer in full. Tidegate's own addresses are here; every
//! other is the shop's.

use std::rc::Rc;

use super::answer::{Answer, Body, NO_STORE, Outcome, PROBLEM_JSON, Refusal};
use super::body;
use super::calls::{audit, claim, enter, leave, live, operator, origin, room, status};
use super::context::Context;
use super::isolate::Isolate;
use super::pages::Failure;
use super::pending::{Pending, Port};
use super::request::{From, Method, Request, Rest};
use crate::ids::QueueId;
use crate::problem::{Code, Problem};

impl Isolate {
    /// Begins to answer a request.
    pub fn call(self: &Rc<Self>, request: Request) -> Pending {
        let port = Rc::<Port>::default();
        let context = Context::new(request, Rc::clone(self), Rc::clone(&port));
        Pending::new(port, async move { answer(&context).await })
    }

    /// The answer where the shop did not give one. The request's headers have all been read.
    pub fn shop_refused(self: &Rc<Self>, request: Request, problem: &Problem) -> Answer {
        let context = Context::new(request, Rc::clone(self), Rc::default());
        let is_shop = problem.code == Code::ServiceUnavailable;
        context.identified(refusal(&context, problem, is_shop))
    }

    /// The answer where a call is gone that was under way: this isolate's memory was lost, or was
    /// full.
    pub fn lost(&self) -> Answer {
        let id = self.request_id();
        let problem = Problem::new(
            Code::ServiceUnavailable,
            "The request was lost on its way; try again, you lose nothing.",
        );
        let text = problem.body(&id).to_string();
        let answer = Answer::text(problem.code.status(), text, PROBLEM_JSON, NO_STORE);
        Answer {
            id,
            is_https: true,
            ..with_facts(answer, &problem)
        }
    }
}

async fn answer(context: &Context) -> Answer {
    let mut answer = match route(context).await {
        Ok(answer) => answer,
        Err(refusal) => refused(context, refusal).await,
    };
    if context.is_allowed_elsewhere.get() && !matches!(answer.body, Body::Socket) {
        allow(context, &mut answer);
    }
    context.identified(answer)
}

/// Finds the call that a request is for. All but the two reads that a launch is full of stand on
/// the heap: each request would carry the largest of them otherwise.
async fn route(context: &Context) -> Outcome {
    if context.request.method == Method::Other {
        return Err(Refusal::Method(
            "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
        ));
    }
    let path = context.request.address.path();
    let mut segments = path.split('/').skip(1);
    match segments.next() {
        Some("v1" | "queue" | ".well-known" | "tidegate") => {}
        _ => return Ok(Answer::shop()),
    }
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    match segments.as_slice() {
        ["v1", "queues", id, "admissions", admission, action] => {
            Box::pin(origin::settle(context, id, admission, action)).await
        }
        ["v1", "queues", id, rest @ ..] => {
            check_length(context).await?;
            shopper(context, &queue_id(id)?, rest).await
        }
        ["queue", id, rest @ ..] => {
            check_length(context).await?;
            Box::pin(room::route(context, &queue_id(id)?, rest)).await
        }
        ["v1", "handoffs", "redeem"] => Box::pin(origin::redeem(context)).await,
        ["v1", "admin", rest @ ..] => Box::pin(operator::route(context, rest)).await,
        ["v1", ..] => Err(nothing_here().into()),
        [".well-known", "jwks.json"] => {
            context.only_reads()?;
            origin::jwks(context).await
        }
        ["tidegate", ..] => {
            context.only_reads()?;
            let asset = context.isolate.pages.asset(path).ok_or_else(nothing_here)?;
            Ok(Answer::text(
                200,
                asset.body,
                asset.content_type,
                asset.cache_control,
            ))
        }
        _ => Ok(Answer::shop()),
    }
}

/// Refuses a body that is announced as too large before anything is asked for it.
async fn check_length(context: &Context) -> Result<(), Problem> {
    if context.request.method.reads() || context.request.body.is_some() {
        return Ok(());
    }
    if context.rest().await.announces_too_much() {
        return Err(body::too_large());
    }
    Ok(())
}

/// A shopper's call, also from other sites' pages that the queue allows.
async fn shopper(context: &Context, id: &QueueId, rest: &[&str]) -> Outcome {
    if context.request.from() == From::Elsewhere {
        let allowed = context.view(id).await.is_ok_and(|seen| {
            let origin = context.request.origin.as_ref();
            origin.is_some_and(|origin| seen.value.allowed_origins.contains(origin))
        });
        context.is_allowed_elsewhere.set(allowed);
        if context.request.method == Method::Options {
            return Ok(preflight(allowed));
        }
        // Reading the public snapshot or one's own status harms nobody; the browser keeps it from
        // the page. What comes through a socket it would not.
        if !allowed && (!context.request.method.reads() || rest == ["live"]) {
            return Err(Problem::new(
                Code::Forbidden,
                "Pages of this origin may not call; add it to the queue's allowedOrigins.",
            )
            .into());
        }
    }
    match rest {
        [] => status::snapshot(context, id).await,
        ["status"] => status::call(context, id).await,
        ["enter"] => Box::pin(enter::call(context, id)).await,
        ["claim"] => Box::pin(claim::call(context, id)).await,
        ["leave"] => Box::pin(leave::call(context, id)).await,
        ["live"] => Box::pin(live::call(context, id)).await,
        ["audit"] => Box::pin(audit::audit(context, id)).await,
        ["audit", "proof"] => Box::pin(audit::proof(context, id)).await,
        ["fairness"] => Box::pin(audit::fairness(context, id)).await,
        _ => Err(nothing_here().into()),
    }
}

fn preflight(allowed: bool) -> Answer {
    let mut answer = Answer::empty(204);
    answer.headers = vec![("vary", "Origin".into())];
    if !allowed {
        return answer;
    }
    answer
        .with("access-control-allow-methods", "GET, POST, DELETE")
        .with(
            "access-control-allow-headers",
            "Authorization, Content-Type",
        )
        .with("access-control-max-age", "600")
}

/// Lets another site's page read an answer.
fn allow(context: &Context, answer: &mut Answer) {
    if let Some(origin) = context.request.origin.clone() {
        answer.set("access-control-allow-origin", origin);
        answer.set("access-control-expose-headers", "Retry-After, X-Request-Id");
    }
    answer.set("vary", "Origin");
}

/// Makes the answer of a refusal: a page for a browser, and a problem for any other client.
async fn refused(context: &Context, why: Refusal) -> Answer {
    let problem = match why {
        Refusal::Problem(problem) => problem,
        Refusal::Method(allowed) => {
            let name = context.request.method.name();
            let detail = format!("{name} is not allowed here; {allowed} is.");
            let problem = Problem::new(Code::MethodNotAllowed, detail);
            return problem_json(context, &problem).with("allow", allowed);
        }
    };
    context.rest().await;
    refusal(context, &problem, false)
}

/// The answer of a refusal, where the headers that few calls look at have been read.
fn refusal(context: &Context, problem: &Problem, is_shop: bool) -> Answer {
    let wants_html = context.known_rest().is_some_and(Rest::wants_html);
    let page = wants_html
        .then(|| failure_page(context, problem, is_shop))
        .flatten();
    page.unwrap_or_else(|| problem_json(context, problem))
}

fn problem_json(context: &Context, problem: &Problem) -> Answer {
    let text = problem.body(context.id()).to_string();
    let answer = Answer::text(problem.code.status(), text, PROBLEM_JSON, NO_STORE);
    with_facts(answer, problem)
}

fn failure_page(context: &Context, problem: &Problem, is_shop: bool) -> Option<Answer> {
    let address = &context.request.address;
    // A path that begins with two slashes would name another host.
    let again = format!(
        "/{}{}",
        address.path().trim_start_matches('/'),
        address.query()
    );
    // What there is not, no second try will find.
    let is_gone = matches!(problem.code, Code::NotFound | Code::QueueNotFound);
    let jitter = context.isolate.jitter() % 10;
    let failure = Failure {
        code: problem.code,
        is_shop,
        request_id: context.id(),
        again: (!is_gone).then_some(again.as_str()),
        after_seconds: problem
            .retry_after_seconds
            .map(|_| jitter.saturating_add(5)),
    };
    let pages = &context.isolate.pages;
    let html = pages.failure(&failure)?;
    let answer = Answer::page(problem.code.status(), html, pages.policy(None));
    Some(with_facts(answer, problem))
}

fn with_facts(mut answer: Answer, problem: &Problem) -> Answer {
    if let Some(seconds) = problem.retry_after_seconds {
        answer = answer.with("retry-after", seconds.to_string());
    }
    if problem.code.status() == 401 {
        answer = answer.with("www-authenticate", "Bearer");
    }
    answer
}

/// A queue's id out of a path; what cannot be one names no queue.
pub(super) fn queue_id(text: &str) -> Result<QueueId, Problem> {
    text.parse().map_err(|_| Problem::queue_not_found(text))
}

/// For addresses that nobody answers.
pub(super) fn nothing_here() -> Problem {
    Problem::new(Code::NotFound, "There is nothing at this address.")
}

impl Context {
    /// The answer, with what names its request.
    fn identified(&self, answer: Answer) -> Answer {
        let id = self.id().to_owned();
        let is_https = self.request.address.is_https();
        Answer {
            id,
            is_https,
            ..answer
        }
    }

    /// Lets only reads through.
    pub(super) fn only_reads(&self) -> Result<(), Refusal> {
        self.only(&[Method::Get, Method::Head], "GET, HEAD")
    }

    /// Lets only posts through.
    pub(super) fn only_post(&self) -> Result<(), Refusal> {
        self.only(&[Method::Post], "POST")
    }

    /// Lets only these methods through.
    pub(super) fn only(&self, methods: &[Method], named: &'static str) -> Result<(), Refusal> {
        if methods.contains(&self.request.method) {
            Ok(())
        } else {
            Err(Refusal::Method(named))
        }
    }
}
