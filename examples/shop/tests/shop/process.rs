//! The program: it says where it listens, and ends when it should.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

fn start(variables: &[(&str, &str)]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_tidegate-shop"))
        .env_clear()
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn wait_until_listening(shop: &mut Child) {
    let mut line = String::new();
    BufReader::new(shop.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let port = line
        .trim()
        .strip_prefix("shop listening on http://127.0.0.1:");
    assert!(
        port.is_some_and(|port| port.parse::<u16>().is_ok_and(|port| port > 0)),
        "{line}"
    );
}

/// Whether it ended well, within a bound.
fn ends_well(mut shop: Child) -> bool {
    let deadline = Instant::now() + Duration::from_secs(10);
    while Instant::now() < deadline {
        if let Some(status) = shop.try_wait().unwrap() {
            return status.success();
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    shop.kill().unwrap();
    shop.wait().unwrap();
    false
}

#[test]
fn it_ends_when_whoever_started_it_is_gone() {
    let mut shop = start(&[
        ("PORT", "0"),
        ("TIDEGATE_ORIGIN_KEY", "k"),
        ("SHOP_EXIT_ON_STDIN_EOF", "1"),
    ]);
    wait_until_listening(&mut shop);
    drop(shop.stdin.take());
    assert!(ends_well(shop));
}

#[test]
fn it_ends_on_sigterm_and_not_for_want_of_stdin() {
    let mut shop = start(&[("PORT", "0"), ("TIDEGATE_ORIGIN_KEY", "k")]);
    drop(shop.stdin.take());
    wait_until_listening(&mut shop);
    assert!(shop.try_wait().unwrap().is_none());
    let kill = Command::new("kill")
        .args(["-TERM", &shop.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
    assert!(ends_well(shop));
}

#[test]
fn a_missing_setting_is_named() {
    let output = start(&[("PORT", "0")]).wait_with_output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("TIDEGATE_ORIGIN_KEY"));
}
