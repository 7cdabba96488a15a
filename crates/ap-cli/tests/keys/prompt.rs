//! The hidden prompt, on a terminal that `script` makes.

#![allow(clippy::unwrap_used, clippy::panic)]
#![cfg(target_os = "linux")]

use crate::common::terminal::{Terminal, does_echo};
use crate::common::{BAD_KEY, Fake, Home, KEY, assert_absent, fake_products, send_signal};
use rustix::termios::Action;

fn assert_echoes(screen: &str) {
    let words: Vec<_> = screen.split_whitespace().collect();
    assert!(
        words.contains(&"echo") && words.contains(&"isig"),
        "{screen}"
    );
}

#[test]
fn a_key_that_is_typed_is_stored_and_not_shown() {
    let home = Home::new();
    let mut terminal = Terminal::run(&home, "auth login --no-check");
    terminal.wait_for_prompt();
    terminal.type_in(&format!("{KEY}\r"));
    let screen = terminal.end();
    assert!(screen.contains("code=0"), "{screen}");
    assert_absent(&screen, KEY);
    assert_echoes(&screen);
    assert_eq!(home.stored(), format!("{KEY}\n"));
}

#[test]
fn a_call_without_a_key_asks_for_one_and_does_not_store_it() {
    let fake = Fake::status(200, "", "{\"a\":\"\\u001b[31m\u{9b}\u{1b}]0;x\u{7}\"}");
    let home = Home::new();
    let mut terminal = Terminal::run(&home, &format!("--origin {} api /x", fake.as_lcx()));
    terminal.wait_for_prompt();
    terminal.type_in(&format!("{KEY}\r"));
    let screen = terminal.end();
    assert!(screen.contains("code=0"), "{screen}");
    assert_absent(&screen, KEY);
    assert!(
        fake.received()[0]
            .to_lowercase()
            .contains("authorization: basic ")
    );
    assert!(!home.keys_file().exists());
    assert!(screen.contains("\\u{9b}\\u{1b}]0;x\\u{7}"), "{screen}");
    assert!(
        !screen.contains(['\u{9b}', '\u{1b}', '\u{7}']),
        "{screen:?}"
    );
}

#[test]
fn an_interrupt_at_the_prompt_exits_130_and_the_terminal_echoes_again() {
    for _ in 0..5 {
        let home = Home::new();
        let mut terminal = Terminal::run(&home, "auth login --no-check");
        terminal.wait_for_prompt();
        terminal.type_in("half-a-key\u{3}");
        let screen = terminal.end();
        assert!(screen.contains("code=130"), "{screen}");
        assert_eq!(screen.matches("ap: interrupted").count(), 1, "{screen}");
        assert!(!screen.contains("half-a-key"), "{screen}");
        assert_echoes(&screen);
        assert!(!home.keys_file().exists());
    }
}

#[test]
fn a_signal_from_elsewhere_restores_the_terminal_too() {
    for (signal, code) in [
        ("INT", "code=130"),
        ("TERM", "code=143"),
        ("HUP", "code=129"),
    ] {
        let home = Home::new();
        let mut terminal = Terminal::run(&home, "auth login --no-check");
        terminal.wait_for_prompt();
        send_signal(ap(&terminal), signal);
        let screen = terminal.end();
        assert!(screen.contains(code), "{screen}");
        assert_echoes(&screen);
    }
}

/// What is written waits, as on a slow terminal, so that the program stands between its steps.
#[test]
fn typing_is_hidden_before_the_prompt_is_seen_and_shown_again_after_any_signal() {
    for (signal, code) in [("HUP", "code=129"), ("TERM", "code=143")] {
        for has_signal in [false, true] {
            let home = Home::new();
            let mut terminal = Terminal::run_after("read go", &home, "auth login --no-check");
            terminal.wait_for("\n");
            let device = terminal.device();
            rustix::termios::tcflow(&device, Action::OOff).unwrap();
            terminal.type_in("go\r");
            while does_echo(&device) {
                std::thread::yield_now();
            }
            if has_signal {
                send_signal(ap(&terminal), signal);
                while !does_echo(&device) {
                    std::thread::yield_now();
                }
            } else {
                terminal.type_in(&format!("{KEY}\r"));
            }
            rustix::termios::tcflow(&device, Action::OOn).unwrap();
            drop(device);
            let screen = terminal.end();
            assert_absent(&screen, KEY);
            assert_echoes(&screen);
            let expected = if has_signal { code } else { "code=0" };
            assert!(screen.contains(expected), "{screen}");
        }
    }
}

#[test]
fn a_long_line_is_read_to_its_end_and_the_terminal_suspends_nothing() {
    let home = Home::new();
    let mut terminal = Terminal::run(&home, "auth login --no-check");
    terminal.wait_for_prompt();
    terminal.type_in(&format!("{KEY}\u{1a}{}\r", "x".repeat(3_000)));
    let screen = terminal.end();
    assert!(screen.contains("code=2"), "{screen}");
    assert!(!screen.contains("xxx"), "{screen}");
    assert_absent(&screen, KEY);
}

/// Returns the program's process.
fn ap(terminal: &Terminal) -> u32 {
    let shell = children(terminal.child.id()).remove(0);
    children(shell).remove(0)
}

fn children(process: u32) -> Vec<u32> {
    let list = std::fs::read_to_string(format!("/proc/{process}/task/{process}/children"));
    let list = list.unwrap();
    list.split_whitespace()
        .map(|id| id.parse().unwrap())
        .collect()
}

#[test]
fn a_typed_text_that_is_not_a_key_exits_2() {
    let home = Home::new();
    for (typed, says) in [
        ("\r", "the key is empty"),
        ("two words\r", "space"),
        ("\u{4}", "the prompt failed"),
    ] {
        let mut terminal = Terminal::run(&home, "auth login --no-check");
        terminal.wait_for_prompt();
        terminal.type_in(typed);
        let screen = terminal.end();
        assert!(
            screen.contains("code=2") && screen.contains(says),
            "{screen}"
        );
        assert!(!screen.contains("two words"), "{screen}");
    }
    assert!(!home.keys_file().exists());
}

#[test]
fn a_rotation_asks_for_the_new_key_hidden_and_can_be_interrupted() {
    let home = Home::new();
    let new = "placeholder-key-to-come";
    home.store(format!("{KEY}\n").as_bytes(), 0o600);
    let (_, origins) = fake_products([(401, BAD_KEY); 3]);
    let arguments = format!("{} auth rotate --every 3600", origins.join(" "));
    let mut terminal = Terminal::run(&home, &arguments);
    terminal.wait_for_prompt();
    terminal.type_in(&format!("{new}\r"));
    terminal.wait_for("SuppressionList  accepts neither key");
    terminal.wait_for("press Ctrl-C to stop; run the command again to resume");
    terminal.type_in("\u{3}");
    let screen = terminal.end();
    assert!(screen.contains("New API key (hidden): "), "{screen}");
    assert!(screen.contains("ap: reset the key at https://account.activeprospect.com/account"));
    assert!(screen.contains("both keys are stored; run `ap auth rotate` again to resume"));
    assert!(screen.contains("code=130"), "{screen}");
    assert_absent(&screen, KEY);
    assert_absent(&screen, new);
    assert_echoes(&screen);
    assert_eq!(home.stored(), format!("{KEY}\n{new}\n"));
}
