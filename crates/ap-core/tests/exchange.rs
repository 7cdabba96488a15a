//! Calls by script: which key is tried when, how the call ends, and what the ring knows after it. The words
//! of the scripts are explained at [`common::run`].
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use ap_core::exchange::{Answer, Resend, Step};
use ap_core::key::basic;
use ap_core::{Account, Hint, KeyRing, Origins, Product, Service, TooManyKeys, UnauthorizedKind};
use common::{account, keys, preferred, request, run};
use http::StatusCode;

#[test]
fn a_call_tries_each_key_once_and_teaches_its_own_product_alone() {
    for script in [
        // An answer at once.
        "keys a; 1: a 200 -> 200; prefers aaa",
        "keys ab; 1: a 200 -> 200; prefers aaa",
        "keys ab; 1!: a 204 -> 204; prefers aaa",
        // A rejected key: once with each key, in order.
        "keys ab; 1: a bad, b 200 -> 200; prefers baa",
        "keys ab; 1@TrustedForm: a bad, b 201 -> 201; prefers aba",
        "keys ab; 1@SuppressionList: a bad, b 206 -> 206; prefers aab",
        "keys abc; 1: a bad, b 200 -> 200; prefers baa",
        "keys abc; 1: a bad, b bad, c 200 -> 200; prefers caa",
        "keys abc; 1: a bad, b bad, c bad -> all rejected; prefers aaa",
        "keys ab; 1: a bad, b bad -> all rejected; prefers aaa",
        "keys a; 1: a bad -> all rejected; prefers aaa",
        // No key at all.
        "keys ; 1: -> no key; prefers ---",
        "keys ; 1!: -> no key; prefers ---",
        // Equal keys count as one.
        "keys aa; has a; 1: a bad -> all rejected; prefers aaa",
        "keys aba; has ab; 1: a bad, b bad -> all rejected; prefers aaa",
        // The next call uses it.
        "keys abc; 1: a bad, b 200 -> 200; 2: b 200 -> 200; prefers baa",
        // From the preferred key on, and around.
        "keys abc; 1: a bad, b 200 -> 200; 2: b bad, c bad, a 200 -> 200; prefers aaa",
        "keys abc; 1: a bad, b bad, c bad -> all rejected; 2: a 200 -> 200; prefers aaa",
        // Both services of TrustedForm share what is known, and LeadConduit does not.
        "keys ab; 1@TrustedFormApp: a bad, b 200 -> 200; 2@TrustedForm: b 200 -> 200; 3: a 200 -> 200; prefers aba",
    ] {
        run(script);
    }
}

#[test]
fn a_form_of_a_bad_key_counts_only_for_the_product_that_sends_it() {
    let trusted_form = ["401bad", "401trustedform", "401consent", "403invalid"];
    for (service, forms) in [
        ("LeadConduit", &["401bad"][..]),
        ("TrustedForm", &trusted_form),
        ("TrustedFormApp", &trusted_form),
        (
            "SuppressionList",
            &["401bad", "401suppressionlist", "401stock"],
        ),
    ] {
        let bodies = [
            "bad",
            "trustedform",
            "consent",
            "invalid",
            "suppressionlist",
            "stock",
        ];
        for (status, body) in [401, 403]
            .into_iter()
            .flat_map(|s| bodies.map(|body| (s, body)))
        {
            let form = format!("{status}{body}");
            if forms.contains(&form.as_str()) {
                run(&format!(
                    "keys ab; 1@{service}: a {form}, b 200 -> 200; 2@{service}: b 200 -> 200"
                ));
                run(&format!(
                    "keys ab; 1@{service}: a {form}, b {form} -> all rejected; prefers aaa"
                ));
                run(&format!(
                    "keys ab; 1!@{service}: a {form} -> resend not allowed"
                ));
            } else {
                run(&format!(
                    "keys ab; 1@{service}: a {form} -> {status}; prefers aaa"
                ));
                run(&format!(
                    "keys ab; 1@{service}: a bad, b {form} -> {status}; prefers aaa"
                ));
            }
        }
    }
}

#[test]
fn any_other_401_ends_the_call_and_teaches_nothing() {
    for script in [
        "keys ab; 1: a 401plan -> 401; prefers aaa",
        "keys ab; 1: a 401 -> 401; prefers aaa",
        "keys ab; 1: a 401html -> 401; prefers aaa",
        "keys ab; 1: a 401cut -> 401; prefers aaa",
        "keys ab; 1: a 401twice -> 401; prefers aaa",
        "keys ab; 1: a bad, b 401plan -> 401; prefers aaa",
        "keys ab; 1!: a 401plan -> 401; prefers aaa",
    ] {
        run(script);
    }
}

#[test]
fn the_documented_body_leads_to_another_attempt_only_in_a_401() {
    for status in (200..600).filter(|status| *status != 401) {
        run(&format!(
            "keys ab; 1: a {status}bad -> {status}; prefers aaa"
        ));
        run(&format!(
            "keys ab; 1!: a {status}bad -> {status}; prefers aaa"
        ));
    }
}

#[test]
fn the_body_of_trustedforms_403_leads_to_another_attempt_only_in_a_403() {
    for status in (200..600).filter(|status| *status != 403) {
        run(&format!(
            "keys ab; 1@TrustedForm: a {status}invalid -> {status}; prefers aaa"
        ));
    }
}

#[test]
fn after_a_rejection_an_answer_from_behind_authentication_shows_acceptance() {
    let before_authentication = [403, 407, 408, 421, 425, 429];
    for status in (200..600).filter(|status| *status != 401) {
        let shows_acceptance =
            matches!(status, 200..300 | 400..500) && !before_authentication.contains(&status);
        let preferred = if shows_acceptance { "baa" } else { "aaa" };
        run(&format!(
            "keys ab; 1: a bad, b {status} -> {status}; prefers {preferred}"
        ));
    }
}

#[test]
fn a_call_that_cannot_be_sent_again_leaves_the_next_key_to_the_next_call() {
    for script in [
        "keys ab; 1!: a bad -> resend not allowed; prefers baa",
        "keys abc; 1!@TrustedForm: a 401trustedform -> resend not allowed; prefers aba",
        "keys a; 1!: a bad -> all rejected; prefers aaa",
        // One key a call, and around.
        "keys abc; 1!: a bad -> resend not allowed; prefers baa; 2!: b bad -> resend not allowed; prefers caa; \
         3!: c bad -> resend not allowed; prefers aaa",
        // It may be told of a key before its first attempt.
        "keys ; 1!: supply abcde, c 200 -> 200; has cde; prefers ccc",
    ] {
        run(script);
    }
}

#[test]
fn a_late_answer_moves_nothing_back() {
    for script in [
        // A late acceptance of the old key.
        "keys ab; 1: a; 2: a bad, b 200 -> 200; 1: 200 -> 200; prefers baa",
        // Calls that were in flight at the switch are sent again once.
        "keys ab; 1: a; 2: a; 3: a; 1: bad, b 200 -> 200; prefers baa; 2: bad, b 200 -> 200; prefers baa; \
         3: bad, b; prefers baa; 3: bad -> all rejected; prefers baa",
        // Both saw that a is preferred; only the faster acceptance counts.
        "keys abc; 1: a bad, b; 2: a bad, b bad, c; 1: 200 -> 200; prefers baa; 2: 200 -> 200; prefers baa",
        // Late even if the same key is preferred again: there and back.
        "keys ab; 1: a bad, b; 2: a bad, b 200 -> 200; 3: b bad, a 200 -> 200; prefers aaa; \
         1: 200 -> 200; prefers aaa",
        "keys ab; 1!: a; 2: a bad, b 200 -> 200; 3: b bad, a 200 -> 200; prefers aaa; \
         1: bad -> resend not allowed; prefers aaa",
        // A single rejection, as from a replica that lags behind, costs one request more.
        "keys ab; 1: a bad, b 200 -> 200; 2: b bad, a bad -> all rejected; prefers baa",
    ] {
        run(script);
    }
}

#[test]
fn a_call_continues_with_the_present_list() {
    for script in [
        // A removed key is not sent again, and a tried one is not tried again from a new list.
        "keys ab; 1: a; keys cd; 1: bad, c bad, d; keys d; 1: bad -> all rejected",
        "keys ab; 1: a; keys ca; prefers aaa; 1: bad, c bad -> all rejected",
        "keys a; 1: a; keys b; 1: bad, b 200 -> 200; prefers bbb",
        // The answer counts for the list that the attempt was made with, which nobody reads any more.
        "keys ab; 1: a bad, b; keys abc; 1: 200 -> 200; prefers aaa",
        "keys ab; 1: a; keys bc; 1: 200 -> 200; prefers bbb",
        "keys bc; 1!: b; keys bcd; 1: bad -> resend not allowed; prefers bbb",
        "keys a; 1!: a; keys abc; 1: bad -> resend not allowed; prefers aaa",
        // The same list again changes nothing; a preferred key that stays is preferred still.
        "keys ab; 1: a bad, b; keys ab; 1: 200 -> 200; prefers baa",
        "keys ab; 1: a bad, b 200 -> 200; keys cb; prefers bcc; keys ca; prefers ccc",
        "keys abc; keys abab; has ab",
    ] {
        run(script);
    }
}

#[test]
fn supplied_keys_belong_to_every_call_and_the_need_comes_once() {
    for script in [
        "keys ab; 1: a bad, b bad, supply bc, c 200 -> 200; has bc; prefers cbb",
        "keys ab; 1: a bad, b bad, supply ab -> all rejected; has ab",
        "keys ab; 1: a bad, b bad, supply cde, c bad, d bad, e bad -> all rejected; has cde",
        "keys a; 1: a bad, supply -> all rejected; has a",
        "keys ; 1: supply -> no key",
        // Equal keys count once, before the newest are kept.
        "keys ; 1: supply abcc, a 200 -> 200; has abc",
        "keys ; 1: supply abcabc, a 200 -> 200; has abc",
        "keys ; 1: supply aabbccdd, b 200 -> 200; has bcd",
        // Another call brought a key in the meantime.
        "keys a; 1: a bad; keys ab; 1: resume, b 200 -> 200; prefers baa",
        "keys a; 1: a bad; 2: a bad, supply ab, b 200 -> 200; 1: resume, b 200 -> 200; prefers baa",
    ] {
        run(script);
    }
}

#[test]
fn a_dropped_step_leaves_no_trace() {
    run(
        "keys ab; 1: drop; 2: a, drop; 3: a bad, drop; 4: a bad, b, drop; 5: a bad, b bad, drop; \
         has ab; prefers aaa; 6: a 200 -> 200",
    );
}

#[test]
fn a_list_with_too_many_keys_changes_nothing() {
    let account = account("ab");
    assert_eq!(account.keys().replace(keys("abcd")), Err(TooManyKeys));
    assert_eq!(KeyRing::new(keys("abcd")).unwrap_err(), TooManyKeys);
    assert_eq!(account.keys().len(), 2);
    assert_eq!(preferred(&account), "aaa");
}

#[test]
fn the_error_names_the_rejected_keys_and_not_what_the_server_wrote() {
    let account = account("ab");
    let request = request(Service::LeadConduit);
    let mut step = account.begin(&request, Resend::Allowed).unwrap();
    for body in [
        common::BAD,
        r#"{"id":7,"error":"authentication failed","message":"no"}"#,
    ] {
        let Step::Send(attempt) = step else {
            panic!("{step:?}")
        };
        let answer = attempt.answered(StatusCode::UNAUTHORIZED, body.as_bytes());
        let Answer::Next(next) = answer else {
            panic!("{answer:?}")
        };
        step = next;
    }
    let Step::NeedKey(need) = step else {
        panic!("{step:?}")
    };
    let Step::Failed(error) = need.resume() else {
        panic!("no key is left")
    };
    assert_eq!(
        error.to_string(),
        r#"LeadConduit rejected every API key: "a", "b""#
    );
    assert_eq!(error.hint(), Hint::CheckKeyOrLogIn(Product::LeadConduit));
    for rejected in error.rejected_keys() {
        assert_eq!(rejected.unauthorized().kind(), UnauthorizedKind::Documented);
        assert_eq!(
            rejected.unauthorized().message(),
            Some("authentication failed")
        );
    }
}

#[test]
fn the_other_errors_say_what_to_do() {
    for (letters, resend, answer, text, hint) in [
        (
            "",
            Resend::Allowed,
            None,
            "there is no API key for LeadConduit",
            Hint::AddKey,
        ),
        (
            "a",
            Resend::Allowed,
            Some(common::BAD),
            r#"LeadConduit rejected the API key: "a""#,
            Hint::CheckKeyOrLogIn(Product::LeadConduit),
        ),
        (
            "ab",
            Resend::Never,
            Some(common::BAD),
            r#"LeadConduit rejected the API key, and the body cannot be sent again with the next one: "a""#,
            Hint::Retry,
        ),
    ] {
        let account = account(letters);
        let mut step = account
            .begin(&request(Service::LeadConduit), resend)
            .unwrap();
        if let (Step::Send(_), Some(body)) = (&step, answer) {
            let Step::Send(attempt) = step else {
                unreachable!()
            };
            let answer = attempt.answered(StatusCode::UNAUTHORIZED, body.as_bytes());
            let Answer::Next(next) = answer else {
                panic!("{answer:?}")
            };
            step = next;
        }
        if let Step::NeedKey(need) = step {
            step = need.resume();
        }
        let Step::Failed(error) = step else {
            panic!("{step:?}")
        };
        assert_eq!((error.to_string().as_str(), error.hint()), (text, hint));
    }
}

#[test]
fn keys_of_another_user_name_are_sent_with_it() {
    let ring = KeyRing::new(keys("ab")).unwrap().with_user("X").unwrap();
    let account = Account::new(ring, Origins::vendor());
    let authorization = || {
        let step = account.begin(&request(Service::LeadConduit), Resend::Allowed);
        let Ok(Step::Send(attempt)) = step else {
            panic!("{step:?}")
        };
        attempt.authorization().clone()
    };
    assert_eq!(authorization(), basic(b"X", b"placeholder-key-a"));
    account.keys().replace(keys("c")).unwrap();
    assert_eq!(authorization(), basic(b"X", b"placeholder-key-c"));
}

#[test]
fn a_script_that_is_wrong_fails() {
    for script in [
        "keys ab; 1: b 200 -> 200",
        "keys ab; 1: a 200 -> 201",
        "keys ab; 1: a bad, b 200 -> 200; prefers aaa",
        "keys ab; 1: a bad -> all rejected",
        "keys ab; 1: a bad, b bad -> no key",
        "keys ab; 1: a bad, b bad",
        "keys ab; has a",
    ] {
        assert!(
            std::panic::catch_unwind(|| run(script)).is_err(),
            "{script}"
        );
    }
}
