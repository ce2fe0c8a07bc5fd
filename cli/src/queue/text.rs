//! Replies as text for people. A field that a reply lacks shows as `-`: another version of the
//! Worker may have answered.

use core::fmt::Write;

use serde_json::Value;

use super::args::Call;
use super::call::Request;
use super::client::Answer;
use crate::output::{plain, table};
use crate::time;

/// The reply to `call`, sent as `request`, in words.
pub fn answer(call: &Call, request: &Request, answer: &Answer) -> String {
    let body = &answer.body;
    match call {
        Call::List => list(body),
        Call::Show(_) => show(body),
        Call::Put(_) if answer.created => configured("created", request, body),
        Call::Put(_) => configured("replaced", request, body),
        Call::Patch(_) => configured("changed", request, body),
        Call::Delete(confirmed) => format!("{} deleted\n", confirmed.id),
        Call::Pause(_) => changed("paused", body),
        Call::Resume(_) => changed("resumed", body),
        Call::Close(_) => changed("closed", body),
        Call::Reopen(_) => changed("reopened", body),
        Call::Reset(_) => changed("reset", body),
        Call::Notice(notice) if notice.words.clear => changed("says nothing any more", body),
        Call::Notice(_) => changed(&format!("says {}", notice(body)), body),
        Call::Admissions(_) => admissions(body),
    }
}

/// What the operator may not have meant.
pub fn remarks(answer: &Answer) -> String {
    let mut text = String::new();
    for remark in items(&answer.body, "/remarks") {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "note: {}", cell(remark, ""));
    }
    text
}

fn list(body: &Value) -> String {
    let queues = items(body, "/queues");
    if queues.is_empty() {
        return String::from("no queues; make one:  tidegate queue put ID --set maxActive=50\n");
    }
    let mut rows = vec![row(["QUEUE", "EPOCH"])];
    rows.extend(
        queues
            .iter()
            .map(|queue| vec![cell(queue, "/id"), cell(queue, "/epoch")]),
    );
    table(&rows, &[])
}

fn show(body: &Value) -> String {
    let at = |field: &str| cell(body, &format!("/snapshot/{field}"));
    let mut text = format!("{}  {}\n", cell(body, "/id"), at("phase"));
    let remaining = match at("remaining").as_str() {
        "-" => String::from("no limit"),
        some => format!("{some} remaining"),
    };
    let rate = match body
        .pointer("/snapshot/ratePerSecond")
        .and_then(Value::as_f64)
    {
        Some(rate) => format!("{rate:.2} a second"),
        None => String::from("not known"),
    };
    let wait = match body.pointer("/snapshot/waitKnown") {
        Some(Value::Bool(true)) => format!("{} s for who enters now", at("estimatedWaitSeconds")),
        // What bounds it is known all the same, where anything does.
        _ => match body.pointer("/snapshot/waitRange/atMostSeconds") {
            Some(Value::Number(most)) => format!("up to {most} s for who enters now"),
            _ => String::from("not known"),
        },
    };
    let state = [
        (
            "entered",
            format!("{} ({} waiting)", at("entered"), at("waiting")),
        ),
        (
            "called up",
            format!("{} ({} present)", at("boarding"), at("present")),
        ),
        (
            "admitted",
            format!(
                "{} ({} active, {} completed; {remaining})",
                at("admitted"),
                at("active"),
                at("completed")
            ),
        ),
        ("rate", rate),
        ("wait", wait),
        ("notice", notice(body)),
        ("epoch", at("epoch")),
        ("created", when(body, "/createdAt")),
    ];
    let rows = state.map(|(name, value)| vec![String::new(), name.to_owned(), value]);
    text.push_str(&table(&rows, &[]));
    text.push_str(&waits_for(body));
    text.push_str("configuration\n");
    text.push_str(&fields(body.pointer("/config"), |_| true));
    text
}

/// The public randomness that a queue is sealed by, and who was asked for it; nothing where it is
/// not.
fn waits_for(body: &Value) -> String {
    let Some(waited) = body
        .pointer("/waitsFor")
        .filter(|waited| waited.is_object())
    else {
        return String::new();
    };
    let mut text = format!(
        "waits for round {} of {}, made at {}; asked {} times since {}\n",
        cell(waited, "/round"),
        cell(waited, "/network"),
        when(waited, "/madeAt"),
        cell(waited, "/attempts"),
        when(waited, "/waitsSinceAt"),
    );
    let rows: Vec<_> = items(waited, "/endpoints")
        .iter()
        .map(|one| {
            let said = format!("{}: {}", when(one, "/heardAt"), cell(one, "/said"));
            vec![String::new(), cell(one, "/endpoint"), said]
        })
        .collect();
    text.push_str(&table(&rows, &[]));
    text
}

/// The change, the fields that were asked for as the queue has them now, and those that changed
/// though nobody named them.
fn configured(verb: &str, request: &Request, body: &Value) -> String {
    let asked = |field: &str| {
        request
            .body
            .as_ref()
            .is_some_and(|config| config.get(field).is_some())
    };
    let unasked = items(body, "/changed").iter().filter(|change| {
        let field = change.pointer("/field").and_then(Value::as_str);
        field.is_some_and(|field| !asked(field))
    });
    let rows: Vec<Vec<String>> = unasked
        .map(|change| {
            let to = format!("{} (was {})", shown(change, "/to"), shown(change, "/from"));
            vec![String::new(), cell(change, "/field"), to]
        })
        .collect();
    let mut text = changed(verb, body) + &fields(body.pointer("/config"), asked);
    if !rows.is_empty() {
        text.push_str("changed because it was not named\n");
        text.push_str(&table(&rows, &[]));
    }
    text
}

/// A configured value, with null for none.
fn shown(value: &Value, pointer: &str) -> String {
    match value.pointer(pointer) {
        None | Some(Value::Null) => String::from("null"),
        Some(_) => plain(&cell(value, pointer)),
    }
}

fn changed(verb: &str, body: &Value) -> String {
    let at = |field: &str| cell(body, &format!("/snapshot/{field}"));
    format!(
        "{} {verb}\n  now {}: {} entered, {} waiting, {} active, {} completed\n",
        cell(body, "/id"),
        at("phase"),
        at("entered"),
        at("waiting"),
        at("active"),
        at("completed")
    )
}

fn admissions(body: &Value) -> String {
    let admissions = items(body, "/admissions");
    if admissions.is_empty() {
        return String::from("no admissions\n");
    }
    let mut rows = vec![row([
        "POSITION",
        "STATE",
        "ADMITTED (UTC)",
        "UNTIL (UTC)",
        "ADMISSION",
    ])];
    rows.extend(admissions.iter().map(|admission| {
        vec![
            cell(admission, "/position"),
            cell(admission, "/state"),
            instant(admission, "/admittedAt"),
            instant(admission, "/expiresAt"),
            cell(admission, "/admissionId"),
        ]
    }));
    let mut text = table(&rows, &[0]);
    if let Some(next) = body.pointer("/next").and_then(Value::as_u64) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "more follow: --after {next}");
    }
    text
}

fn notice(body: &Value) -> String {
    match body.pointer("/snapshot/notice") {
        Some(notice @ Value::Object(_)) => {
            format!("{}: \"{}\"", cell(notice, "/level"), cell(notice, "/text"))
        }
        _ => String::from("none"),
    }
}

/// The fields that are set and wanted, written as `--set` takes them.
fn fields(config: Option<&Value>, wanted: impl Fn(&str) -> bool) -> String {
    let mut rows = Vec::new();
    if let Some(Value::Object(config)) = config {
        for (field, value) in config.iter().filter(|(field, _)| wanted(field)) {
            flatten(field, value, &mut rows);
        }
    }
    table(&rows, &[])
}

fn flatten(name: &str, value: &Value, rows: &mut Vec<Vec<String>>) {
    if let Value::Object(inner) = value {
        for (field, value) in inner {
            flatten(&format!("{name}.{field}"), value, rows);
        }
        return;
    }
    let shown = match value.as_u64() {
        Some(at) if name.ends_with("At") => format!("{at}  ({} UTC)", time::utc(at)),
        _ => plain(&match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }),
    };
    rows.push(vec![String::new(), plain(name), shown]);
}

fn when(value: &Value, pointer: &str) -> String {
    match instant(value, pointer).as_str() {
        "-" => String::from("-"),
        time => format!("{time} UTC"),
    }
}

fn instant(value: &Value, pointer: &str) -> String {
    value
        .pointer(pointer)
        .and_then(Value::as_u64)
        .map_or_else(|| String::from("-"), time::utc)
}

fn cell(value: &Value, pointer: &str) -> String {
    match value.pointer(pointer) {
        None | Some(Value::Null) => String::from("-"),
        Some(Value::String(text)) => plain(text),
        Some(other) => other.to_string(),
    }
}

fn items<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value
        .pointer(pointer)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}
