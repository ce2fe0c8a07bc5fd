//! What `tidegate queue` says when the Worker refuses, when something else answers, and when it
//! does not even ask.

use std::io::Write;
use std::net::TcpListener;

use serde_json::json;
use tempfile::NamedTempFile;

use crate::run::{Ran, run, tidegate};
use crate::stand_in::{Reply, StandIn};

fn list(stand_in: &StandIn) -> Ran {
    run(&mut tidegate(["queue", "list", "--url", &stand_in.url]))
}

#[test]
fn a_refusal_names_its_detail_code_and_request() {
    let stand_in = StandIn::replying(Reply::problem(409, "CONFLICT", "lanes is fixed."));
    let ran = list(&stand_in);
    assert_eq!(ran.stdout, "");
    assert_eq!(
        ran.refused(1),
        "error: lanes is fixed (CONFLICT, request r-1)\n"
    );
}

#[test]
fn json_keeps_a_refusal_whole() {
    let stand_in = StandIn::replying(Reply::problem(404, "QUEUE_NOT_FOUND", "There is no queue."));
    let ran = run(&mut tidegate([
        "queue",
        "show",
        "x",
        "--json",
        "--url",
        &stand_in.url,
    ]));
    let body: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(body["code"], json!("QUEUE_NOT_FOUND"));
    assert!(ran.refused(1).contains("tidegate queue list"));
}

#[test]
fn a_bad_key_is_named_by_where_it_came_from_and_not_shown() {
    let stand_in = StandIn::replying(Reply::problem(
        401,
        "UNAUTHORIZED",
        "This call needs a key.",
    ));
    let mut command = tidegate(["queue", "list", "--url", &stand_in.url]);
    let refusal = run(command.env("TIDEGATE_ADMIN_KEY", "secret-word")).refused(1);
    assert!(
        refusal.contains("the key in TIDEGATE_ADMIN_KEY is not among"),
        "{refusal}"
    );
    assert!(!refusal.contains("secret-word"));
}

#[test]
fn what_does_not_answer_as_tidegate_does_is_not_taken_for_it() {
    for reply in [
        Reply::new(502, "text/html", "<h1>Bad gateway</h1>"),
        Reply::new(200, "text/html", "<h1>Hello</h1>"),
        Reply::new(404, "application/json", "{\"error\":\"no\"}"),
    ] {
        let refusal = list(&StandIn::replying(reply)).refused(1);
        assert!(refusal.contains("not as Tidegate does"), "{refusal}");
    }
}

#[test]
fn the_key_follows_no_redirect() {
    let elsewhere = StandIn::replying(Reply::json(200, &json!({"queues": []})));
    let reply = Reply::new(307, "text/plain", "").with_header("location", &elsewhere.url);
    let refusal = list(&StandIn::replying(reply)).refused(1);
    assert!(refusal.contains(&elsewhere.url), "{refusal}");
    elsewhere.saw_nothing();
}

#[test]
fn the_key_for_this_machine_goes_through_no_proxy() {
    let proxy = StandIn::replying(Reply::json(200, &json!({"queues": []})));
    let stand_in = StandIn::replying(Reply::json(200, &json!({"queues": []})));
    let mut command = tidegate(["queue", "list", "--url", &stand_in.url]);
    run(command
        .env("http_proxy", &proxy.url)
        .env("HTTP_PROXY", &proxy.url))
    .ok();
    stand_in.only();
    proxy.saw_nothing();
}

#[test]
fn a_reply_without_end_is_given_up() {
    let endless = format!("{{\"queues\":[\"{}\"]}}", "x".repeat(5 << 20));
    let stand_in = StandIn::replying(Reply::new(200, "application/json", endless));
    assert!(list(&stand_in).refused(1).contains("more than"));
}

#[test]
fn where_nobody_listens_the_remedy_is_to_start_it() {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let url = format!("http://127.0.0.1:{port}");
    let refusal = run(&mut tidegate(["queue", "list", "--url", &url])).refused(1);
    assert!(refusal.contains("cannot reach"), "{refusal}");
    assert!(refusal.contains("scripts/dev"), "{refusal}");
}

#[test]
fn a_command_that_makes_no_sense_is_never_sent() {
    let stand_in = StandIn::replying(Reply::json(200, &json!({})));
    for args in [
        &["delete", "lamp"][..],
        &["reset", "lamp"],
        &["put", "lamp"],
        &["put", "lamp", "--set", "lanes=1", "--config", "x"],
        &["put", "lamp", "--set", "lanes=1", "lanes=2"],
        &["put", "--set", "lanes=1", "lamp"],
        &["patch", "lamp", "--set", "closesAt=soon"],
        &["notice", "lamp"],
        &["notice", "lamp", "words", "--clear"],
        &["notice", "lamp", "--clear", "--level", "info"],
        &["admissions", "lamp", "--state", "asleep"],
        &["show", "../lamp"],
        &["list", "--key", "x"],
    ] {
        let refusal = run(tidegate(["queue", "--url", &stand_in.url]).args(args)).refused(2);
        assert!(refusal.contains('\n'), "{refusal}");
    }
    stand_in.saw_nothing();
}

#[test]
fn a_key_is_not_sent_in_the_clear_nor_made_up() {
    for (url, cause) in [
        ("http://drops.example", "not https"),
        ("https://drops.example", "no admin key"),
        ("drops.example", "no address"),
    ] {
        let refusal = run(&mut tidegate(["queue", "list", "--url", url])).refused(2);
        assert!(refusal.contains(cause), "{refusal}");
    }
}

#[test]
fn a_key_file_that_holds_no_key_is_wrong_use_of_every_command() {
    let stand_in = StandIn::replying(Reply::json(200, &json!({})));
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    for (path, cause) in [
        (folder.path().join("missing"), "cannot read"),
        (folder.path().to_owned(), "cannot read"),
        (file("bytes", b"\xff"), "not UTF-8"),
        (file("secrets", b"{}"), "no ADMIN_KEYS"),
        (file("words", b"two words"), "no admin key"),
    ] {
        for call in [&["queue", "list"][..], &["load", "--shoppers", "1"]] {
            let mut command = tidegate(call);
            command.args(["--url", &stand_in.url, "--key-file"]);
            let refusal = run(command.arg(&path)).refused(2);
            let named = refusal.contains(&path.display().to_string());
            assert!(named && refusal.contains(cause), "{refusal}");
        }
    }
    stand_in.saw_nothing();
}

#[test]
fn a_configuration_that_is_no_object_of_bearable_size_is_refused_here() {
    let stand_in = StandIn::replying(Reply::json(200, &json!({})));
    for (text, cause) in [
        ("[1]".to_owned(), "not a JSON object"),
        ("{\"lanes\": }".to_owned(), "line 1 column 11"),
        (
            format!("{{\"audience\":\"{}\"}}", "x".repeat(16 << 10)),
            "too large",
        ),
    ] {
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let mut command = tidegate(["queue", "put", "lamp", "--url", &stand_in.url, "--config"]);
        let refusal = run(command.arg(file.path())).refused(1);
        assert!(refusal.contains(cause), "{refusal}");
    }
    stand_in.saw_nothing();
}
