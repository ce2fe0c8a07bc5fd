//! What each command of `tidegate queue` sends, and how it shows what comes back.

use std::io::Write;
use std::process::Stdio;

use axum::http::Method;
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::run::{Ran, run, tidegate};
use crate::stand_in::{Reply, Seen, StandIn};

/// A queue as the Worker reports it.
fn report() -> Value {
    json!({
        "id": "lamp",
        "createdAt": 1_795_197_600_000_u64,
        "config": {
            "access": "queue", "maxActive": 50, "closesAt": 1_795_201_200_000_u64,
            "opensAt": null, "allowedOrigins": [], "product": {"name": "Tide Lamp", "path": "/lamp"},
        },
        "snapshot": {
            "phase": "open", "epoch": "0b".repeat(16), "entered": 1200, "waiting": 1100,
            "present": 2, "boarding": 100, "admitted": 60, "active": 50, "completed": 9,
            "remaining": null, "ratePerSecond": 0.5, "waitKnown": true,
            "estimatedWaitSeconds": 2200, "notice": {"level": "info", "text": "Hello\u{1b}[2J"},
        },
        "something": "newer",
    })
}

fn ran(stand_in: &StandIn, args: &[&str]) -> Ran {
    run(tidegate(["queue", "--url", &stand_in.url]).args(args))
}

/// What the command sends, where the Worker answers with a report.
fn sent(args: &[&str]) -> Seen {
    let stand_in = StandIn::replying(Reply::json(200, &report()));
    ran(&stand_in, args).ok();
    stand_in.only()
}

#[test]
fn each_command_is_the_call_that_the_contract_names() {
    let queue = "/v1/admin/queues/lamp";
    for (args, method, path) in [
        (&["show", "lamp"][..], Method::GET, queue.to_owned()),
        (&["pause", "lamp"], Method::POST, format!("{queue}/pause")),
        (&["resume", "lamp"], Method::POST, format!("{queue}/resume")),
        (
            &["close", "lamp", "--yes"],
            Method::POST,
            format!("{queue}/close"),
        ),
        (&["reopen", "lamp"], Method::POST, format!("{queue}/reopen")),
        (
            &["reset", "lamp", "--yes"],
            Method::POST,
            format!("{queue}/reset"),
        ),
        (
            &["delete", "lamp", "--yes"],
            Method::DELETE,
            queue.to_owned(),
        ),
        (&["list"], Method::GET, "/v1/admin/queues".to_owned()),
        (
            &["admissions", "lamp", "--state", "expired", "--after", "99"],
            Method::GET,
            format!("{queue}/admissions?state=expired&after=99"),
        ),
    ] {
        let seen = sent(args);
        assert_eq!((seen.method, seen.target), (method, path), "{args:?}");
        assert_eq!(seen.headers["authorization"], "Bearer dev-admin-key");
        assert_eq!(seen.body, "");
    }
}

#[test]
fn settings_become_the_configuration() {
    let seen = sent(&[
        "put",
        "lamp",
        "--set",
        "maxActive=50",
        "product.name=Tide Lamp",
        "--json",
    ]);
    assert_eq!(
        (seen.method.as_str(), seen.target.as_str()),
        ("PUT", "/v1/admin/queues/lamp")
    );
    assert_eq!(seen.header("content-type"), "application/json");
    assert_eq!(
        seen.json(),
        json!({"maxActive": 50, "product": {"name": "Tide Lamp"}})
    );
}

#[test]
fn a_patch_says_what_it_takes_back() {
    let seen = sent(&[
        "patch",
        "lamp",
        "--set",
        "closesAt=null",
        "--set",
        "maxActive=80",
    ]);
    assert_eq!(seen.method, Method::PATCH);
    assert_eq!(seen.header("content-type"), "application/merge-patch+json");
    assert_eq!(seen.json(), json!({"closesAt": null, "maxActive": 80}));
}

#[test]
fn a_configuration_comes_from_a_file_or_from_stdin() {
    let config = json!({"maxActive": 5});
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(config.to_string().as_bytes()).unwrap();
    let path = file.path().to_str().unwrap();
    assert_eq!(sent(&["put", "lamp", "--config", path]).json(), config);

    let stand_in = StandIn::replying(Reply::json(201, &report()));
    let mut command = tidegate([
        "queue",
        "put",
        "lamp",
        "--config",
        "-",
        "--url",
        &stand_in.url,
    ]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(config.to_string().as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(stand_in.only().json(), config);
}

#[test]
fn a_notice_is_put_and_taken_away() {
    let seen = sent(&["notice", "lamp", "--level", "warning", "Payment is slow."]);
    assert_eq!(seen.target, "/v1/admin/queues/lamp/notice");
    assert_eq!(
        seen.json(),
        json!({"level": "warning", "text": "Payment is slow."})
    );
    assert_eq!(sent(&["notice", "lamp", "--clear"]).json(), Value::Null);
}

#[test]
fn a_queue_is_shown_as_people_read_it() {
    let stand_in = StandIn::replying(Reply::json(200, &report()));
    let shown = ran(&stand_in, &["show", "lamp"]).ok();
    assert_eq!(
        shown,
        "\
lamp  open
  entered    1200 (1100 waiting)
  called up  100 (2 present)
  admitted   60 (50 active, 9 completed; no limit)
  rate       0.50 a second
  wait       2200 s for who enters now
  notice     info: \"Hello\u{fffd}[2J\"
  epoch      0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b
  created    2026-11-20 18:00:00 UTC
configuration
  access          queue
  allowedOrigins  []
  closesAt        1795201200000  (2026-11-20 19:00:00 UTC)
  maxActive       50
  opensAt         null
  product.name    Tide Lamp
  product.path    /lamp
"
    );
}

#[test]
fn a_wait_that_is_not_known_is_shown_by_its_bound() {
    for (most, said) in [
        (json!(735), "up to 735 s for who enters now"),
        (Value::Null, "not known"),
    ] {
        let mut unknown = report();
        unknown["snapshot"]["waitKnown"] = json!(false);
        unknown["snapshot"]["estimatedWaitSeconds"] = Value::Null;
        unknown["snapshot"]["waitRange"] = json!({"atLeastSeconds": 0, "atMostSeconds": most});
        let shown = ran(
            &StandIn::replying(Reply::json(200, &unknown)),
            &["show", "lamp"],
        );
        assert!(
            shown.stdout.contains(&format!("wait       {said}\n")),
            "{}",
            shown.stdout
        );
    }
}

#[test]
fn a_queue_that_waits_for_randomness_shows_who_was_asked_for_it() {
    let mut waiting = report();
    waiting["waitsFor"] = json!({
        "network": "drand", "chain": "52db", "round": 1000, "madeAt": 1_795_197_630_000_u64,
        "waitsSinceAt": 1_795_197_600_000_u64, "askedNextAt": 1_795_197_645_000_u64, "attempts": 2,
        "endpoints": [
            {"endpoint": "https://a.example", "said": "status 404", "heardAt": 1_795_197_640_000_u64},
            {"endpoint": "https://b.example:6875", "said": "no\u{1b}[2J", "heardAt": 1_795_197_641_000_u64},
        ],
    });
    let shown = ran(
        &StandIn::replying(Reply::json(200, &waiting)),
        &["show", "lamp"],
    )
    .ok();
    let expected = "
waits for round 1000 of drand, made at 2026-11-20 18:00:30 UTC; asked 2 times since 2026-11-20 18:00:00 UTC
  https://a.example       2026-11-20 18:00:40 UTC: status 404
  https://b.example:6875  2026-11-20 18:00:41 UTC: no\u{fffd}[2J
configuration
";
    assert!(shown.contains(expected), "{shown}");
}

#[test]
fn a_change_shows_what_was_asked_for_as_it_is_now() {
    let created = StandIn::replying(Reply::json(201, &report()));
    assert_eq!(
        ran(&created, &["put", "lamp", "--set", "maxActive=50"]).ok(),
        "lamp created\n  now open: 1200 entered, 1100 waiting, 50 active, 9 completed\n  maxActive  50\n"
    );
    let replaced = StandIn::replying(Reply::json(200, &report()));
    let text = ran(&replaced, &["put", "lamp", "--set", "maxActive=50"]).ok();
    assert!(text.starts_with("lamp replaced\n"), "{text}");
}

#[test]
fn what_shoppers_lose_by_is_not_done_where_nobody_can_be_asked() {
    for action in ["close", "reset", "delete"] {
        let stand_in = StandIn::replying(Reply::json(200, &report()));
        let said = ran(&stand_in, &[action, "lamp"]).refused(2);
        assert!(said.contains(&format!("{action} would")), "{said}");
        assert!(said.contains("add --yes"), "{said}");
        stand_in.saw_nothing();
    }
}

#[test]
fn a_limit_goes_from_a_live_queue_only_when_that_is_confirmed() {
    let put = ["put", "lamp", "--set", "maxActive=50"];
    let refusal = json!({"code": "CONFLICT", "requestId": "r-1",
        "detail": "This PUT would remove maxAdmissions (9); add ?confirm=removal if it is to go."});
    let stand_in = StandIn::replying(Reply::json(409, &refusal));
    let said = ran(&stand_in, &put).refused(1);
    assert!(said.contains("maxAdmissions (9)"), "{said}");
    assert!(said.contains("--confirm-removal"), "{said}");
    assert_eq!(stand_in.only().target, "/v1/admin/queues/lamp");

    let mut body = report();
    body["changed"] = json!([
        {"field": "maxAdmissions", "from": 9, "to": null},
        {"field": "maxActive", "from": 5, "to": 50},
    ]);
    body["remarks"] = json!(["opensAt lies 3 hours in the past: the queue opens at once"]);
    let stand_in = StandIn::replying(Reply::json(200, &body));
    let done = ran(&stand_in, &[&put[..], &["--confirm-removal"]].concat());
    assert_eq!(
        stand_in.only().target,
        "/v1/admin/queues/lamp?confirm=removal"
    );
    assert_eq!(
        done.stderr,
        "note: opensAt lies 3 hours in the past: the queue opens at once\n"
    );
    let text = done.ok();
    assert!(
        text.ends_with(
            "  maxActive  50\nchanged because it was not named\n  maxAdmissions  null (was 9)\n"
        ),
        "{text}"
    );
}

#[test]
fn a_deletion_has_no_body_to_show() {
    let stand_in = StandIn::replying(Reply::new(204, "text/plain", ""));
    assert_eq!(
        ran(&stand_in, &["delete", "lamp", "--yes"]).ok(),
        "lamp deleted\n"
    );
    assert_eq!(
        ran(&stand_in, &["delete", "lamp", "--yes", "--json"]).ok(),
        ""
    );
}

#[test]
fn lists_are_aligned() {
    let queues = json!({"queues": [{"id": "a", "epoch": "0b"}, {"id": "lamp", "epoch": "0c"}]});
    let stand_in = StandIn::replying(Reply::json(200, &queues));
    assert_eq!(
        ran(&stand_in, &["list"]).ok(),
        "QUEUE  EPOCH\na      0b\nlamp   0c\n"
    );

    let page = json!({"next": 41, "admissions": [
        {"admissionId": "0b-9", "position": 10, "state": "admitted",
         "admittedAt": 1_795_197_600_000_u64, "expiresAt": 1_795_197_720_000_u64},
        {"admissionId": "0b-41", "position": 42, "state": "present",
         "admittedAt": null, "expiresAt": null},
    ]});
    let stand_in = StandIn::replying(Reply::json(200, &page));
    assert_eq!(
        ran(&stand_in, &["admissions", "lamp"]).ok(),
        "\
POSITION  STATE     ADMITTED (UTC)       UNTIL (UTC)          ADMISSION
      10  admitted  2026-11-20 18:00:00  2026-11-20 18:02:00  0b-9
      42  present   -                    -                    0b-41
more follow: --after 41
"
    );
}

#[test]
fn json_is_the_reply_as_it_came() {
    let body = "{\"queues\": [ ],\"new\":1}";
    let stand_in = StandIn::replying(Reply::new(200, "application/json", body));
    assert_eq!(
        ran(&stand_in, &["list", "--json"]).ok(),
        format!("{body}\n")
    );
}

#[test]
fn a_file_s_key_wins_over_the_variable_s() {
    let mut alone = NamedTempFile::new().unwrap();
    alone.write_all(b"from-file\n").unwrap();
    let mut set = NamedTempFile::new().unwrap();
    let secrets = json!({"ADMIN_KEYS": "[{\"name\":\"admin\",\"key\":\"from-set\"}]"});
    set.write_all(secrets.to_string().as_bytes()).unwrap();
    for (file, bearer) in [
        (None, "Bearer from-variable"),
        (Some(&alone), "Bearer from-file"),
        (Some(&set), "Bearer from-set"),
    ] {
        let stand_in = StandIn::replying(Reply::json(200, &json!({"queues": []})));
        let mut command = tidegate(["queue", "list"]);
        command
            .env("TIDEGATE_URL", &stand_in.url)
            .env("TIDEGATE_ADMIN_KEY", "from-variable");
        if let Some(file) = file {
            command.arg("--key-file").arg(file.path());
        }
        run(&mut command).ok();
        assert_eq!(stand_in.only().headers["authorization"], bearer);
    }
}
