//! What is printed of texts with secrets in them.

mod key_spellings;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

const KEY: &str = "placeholder-key-1";

fn secrets(keys: &[&str]) -> Secrets {
    let keys: Vec<_> = keys.iter().map(|k| ApiKey::parse(k).unwrap()).collect();
    Secrets::new(&keys).unwrap_or_else(|failure| panic!("{}", failure.message))
}

fn redact(keys: &[&str], text: &str) -> String {
    redact_with(&secrets(keys), text)
}

fn redact_with(secrets: &Secrets, text: &str) -> String {
    let pieces: Vec<_> = secrets.redact(text.as_bytes()).collect();
    String::from_utf8(pieces.concat()).unwrap()
}

#[test]
fn secret_members_are_replaced_and_everything_else_stays_as_it_is() {
    for (given, expected) in [
        (
            r#"{"api_key":"k","a":1}"#,
            r#"{"api_key":"[redacted]","a":1}"#,
        ),
        (
            "\u{feff}\n{ \"a\" : [ {\"api_key\" :\t\"k\\\"k\" } ] }",
            "\u{feff}\n{ \"a\" : [ {\"api_key\" :\t\"[redacted]\" } ] }",
        ),
        (
            r#"{"keen_read_api_key":12 ,"b":2.50}"#,
            r#"{"keen_read_api_key":"[redacted]" ,"b":2.50}"#,
        ),
        (
            r#"{"keen_write_api_key":"k","password":"p\\","zendesk_jwt":"j","refresh_token":"t"}"#,
            r#"{"keen_write_api_key":"[redacted]","password":"[redacted]","zendesk_jwt":"[redacted]","refresh_token":"[redacted]"}"#,
        ),
        (
            r#"{"integration_icon_url":"https://h.example/i","logo_url":"https://h.example/l"}"#,
            r#"{"integration_icon_url":"[redacted]","logo_url":"https://h.example/l"}"#,
        ),
        (
            r#"{"api_key":{"x":["}\"]"]},"b":[]}"#,
            r#"{"api_key":"[redacted]","b":[]}"#,
        ),
        (
            r#"{"api\u005fkey":"k"}"#,
            r#"{"api\u005fkey":"[redacted]"}"#,
        ),
        (
            r#"{"api_key":null,"token":true,"secret":"","password":false}"#,
            r#"{"api_key":null,"token":true,"secret":"","password":false}"#,
        ),
        (r#"["api_key","k"]"#, r#"["api_key","k"]"#),
        (r#"{"note":"api_key: x"}"#, r#"{"note":"api_key: x"}"#),
        (
            r#"{"note":"x","api_key":"k"}"#,
            r#"{"note":"x","api_key":"[redacted]"}"#,
        ),
        (r#"{"api_key":[]}"#, r#"{"api_key":"[redacted]"}"#),
        (
            r#"{"a":"x \"token\":","b":"c"}"#,
            r#"{"a":"x \"token\":","b":"c"}"#,
        ),
        (
            r#"{"token":"a\\","b":"c \\"}"#,
            r#"{"token":"[redacted]","b":"c \\"}"#,
        ),
        ("", ""),
    ] {
        assert_eq!(redact(&[], given), expected);
    }
}

#[test]
fn text_that_is_not_quite_json_has_secret_members_too() {
    for (given, expected) in [
        (r#"{"api_key":"breaks o"#, r#"{"api_key":"[redacted]"#),
        (r#"{"api_key":["breaks o"#, r#"{"api_key":"[redacted]""#),
        (r#"{"api_key":123"#, r#"{"api_key":"[redacted]""#),
        (
            "{\"api_key\":\"a\"}\n{\"api_key\":\"b\"}\n",
            "{\"api_key\":\"[redacted]\"}\n{\"api_key\":\"[redacted]\"}\n",
        ),
        (
            r#"call({"api_key":"k"})"#,
            r#"call({"api_key":"[redacted]"})"#,
        ),
        (
            r#"{'password': 'it', "b": "it's"}"#,
            r#"{'password': '[redacted]', "b": "it's"}"#,
        ),
        (r#"{"token"=>"t"}"#, r#"{"token"=>"[redacted]"}"#),
    ] {
        assert_eq!(redact(&[], given), expected);
    }
}

#[test]
fn json_in_a_string_has_secret_members_too() {
    for (given, expected) in [
        (
            r#"{"body":"{\"token\":\"t\\\"t\",\"a\":\"b\"}","c":"d"}"#,
            r#"{"body":"{\"token\":\"[redacted]\",\"a\":\"b\"}","c":"d"}"#,
        ),
        (
            r#"{"body":"{\u0022token\u0022: 12}","c":"d"}"#,
            r#"{"body":"{\u0022token\u0022: \u0022[redacted]\u0022}","c":"d"}"#,
        ),
        (
            r#"{"body":"{\"token\":\"breaks o","c":"d"}"#,
            r#"{"body":"{\"token\":\"[redacted]","c":"d"}"#,
        ),
        (
            r#"{"body":"{\"b\":\"{\\\"token\\\":\\\"t\\\"}\"}","c":"d"}"#,
            r#"{"body":"{\"b\":\"{\\\"token\\\":\\\"[redacted]\\\"}\"}","c":"d"}"#,
        ),
        (
            "<pre>{&quot;api_key&quot;: &quot;k&quot;}</pre>",
            "<pre>{&quot;api_key&quot;: &quot;[redacted]&quot;}</pre>",
        ),
    ] {
        assert_eq!(redact(&[], given), expected);
    }
}

#[test]
fn the_secret_parameters_of_links_and_forms_are_replaced() {
    for (given, expected) in [
        (
            r#"{"u":"https://h.example/a?X-Amz-Expires=9&X-Amz-Signature=ab%26c","n":1}"#,
            r#"{"u":"https://h.example/a?X-Amz-Expires=9&X-Amz-Signature=[redacted]","n":1}"#,
        ),
        (
            r#"{"u":"https:\/\/h.example\/a?a=b\u0026Signature=a\/b\u0026c=d"}"#,
            r#"{"u":"https:\/\/h.example\/a?a=b\u0026Signature=[redacted]\u0026c=d"}"#,
        ),
        (
            r#"{"body":"grant=x&client_secret=s"}"#,
            r#"{"body":"grant=x&client_secret=[redacted]"}"#,
        ),
        (
            "<a href='https://h.example/?a=b&amp;sig=c%2Fd#top'>",
            "<a href='https://h.example/?a=b&amp;sig=[redacted]#top'>",
        ),
        (
            "https://h.example/?next=https%3A%2F%2Fh.example%3Fshared_token%3Dabc",
            "https://h.example/?next=https%3A%2F%2Fh.example%3Fshared_token%3D[redacted]",
        ),
        (
            "password=p user[password]=q",
            "password=[redacted] user[password]=[redacted]",
        ),
        ("a=b&token=&c=token", "a=b&token=&c=token"),
    ] {
        assert_eq!(redact(&[], given), expected);
    }
}

#[test]
fn keys_are_replaced_in_anything() {
    let pair = "QVBJOnBsYWNlaG9sZGVyLWtleS0x";
    for (given, expected) in [
        (
            format!("<p>{KEY} and {pair}, 1-yek-redlohecalp</p>\0"),
            "<p>[redacted] and [redacted], [redacted]</p>\0",
        ),
        (
            format!(r#"{{"{KEY}":["placeholder\u002Dkey\u002d1\n"]}}"#),
            r#"{"[redacted]":["[redacted]\n"]}"#,
        ),
        (format!("\"{KEY}\""), "\"[redacted]\""),
        (KEY.to_uppercase(), "[redacted]"),
    ] {
        assert_eq!(redact(&[KEY], &given), expected);
    }
}

#[test]
fn of_keys_that_overlap_no_part_is_left() {
    let (short, long) = ("placeholder-key-1", "placeholder-key-12");
    assert_eq!(redact(&[short, long], long), "[redacted]");
    let (one, other) = ("first-placeholder", "placeholder-second");
    assert_eq!(
        redact(&[one, other], "<first-placeholder-second>"),
        "<[redacted]>"
    );
    assert_eq!(
        redact(&[one, other], &format!("{other}{one}")),
        "[redacted][redacted]"
    );
    // The longest is found last.
    assert_eq!(
        redact(&["bbbb", "cccc", "abbbbcccce"], "-bbbb-abbbbcccce-"),
        "-[redacted]-[redacted]-"
    );
}

#[test]
fn a_key_with_escapes_in_it_is_found() {
    for (key, text) in [
        ("key%41%42-placeholder", "key%41%42-placeholder"),
        ("key%41%42-placeholder", r"\u006bey%41%42-placeholder"),
        (r"key\nplaceholder", r"key\nplaceholder"),
        (r"key\nplaceholder", r"key\\nplaceholder"),
        ("key&amp;placeholder", "key&amp;amp;placeholder"),
    ] {
        assert_eq!(redact(&[key], text), MARK, "{text}");
    }
}

#[test]
fn a_key_of_digits_leaves_valid_json() {
    let shown = redact(&["1234567890"], r#"{"id":1234567890,"n":[-12345678901.0]}"#);
    assert_eq!(shown, r#"{"id":"[redacted]","n":["[redacted]"]}"#);
    let shown = redact(&["1234567890"], r#"{"id":"\"1234567890,","n":[5]}"#);
    assert_eq!(shown, r#"{"id":"\"[redacted],","n":[5]}"#);
    let shown = redact(&["1234567890"], "1234567890, 12345678900");
    assert_eq!(shown, "[redacted], [redacted]0");
}

#[test]
fn valid_json_stays_valid() {
    let secrets = secrets(&[KEY]);
    let pieces = [
        r#""api_key""#,
        r#""a""#,
        r#""x \"token\":""#,
        r#""b\\""#,
        r#""\"""#,
        "null",
        "12",
        r#"{"password":["}"]}"#,
        r#""placeholder-key-1""#,
        r#""\u0070laceholder-key-1\\""#,
        r#""token=1\u0026b""#,
        r#""%22token%22:%22""#,
        r#""&quot;sig&quot;:""#,
        r#"[{}]"#,
        r#""it's 'token': '""#,
        r#""{\"token\":{\"a\":[1""#,
        r#""\\\"token\\\":\\\"""#,
    ];
    for one in pieces {
        for two in pieces {
            for three in pieces {
                let name = if two.starts_with('"') { two } else { r#""n""# };
                let text = format!("[{one},{{{name}:{three},{name}:{one}}},{three}]");
                serde_json::from_str::<IgnoredAny>(&text).unwrap();
                let shown = redact_with(&secrets, &text);
                let is_valid = serde_json::from_str::<IgnoredAny>(&shown).is_ok();
                assert!(is_valid, "{text}\n{shown}");
            }
        }
    }
}

#[test]
fn depth_has_no_limit() {
    let deep = format!(
        "{}{{\"api_key\":\"k\"}}{}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    assert!(redact(&[], &deep).contains(r#"{"api_key":"[redacted]"}"#));
}

/// What secrets and the texts around them consist of.
const PIECES: [&str; 46] = [
    "placeholder-key-1",
    "PLACEHOLDER-",
    "KEY-1",
    "1-yek-redlohecalp",
    "cGxhY2Vob2xkZXIta2V5LTE=",
    "place\\u0068older-key-1",
    "cGxhY2Vob2xkZXIt\na2V5LTE=",
    "cGxhY2Vob2xk\\nZXIta2V5LTE=",
    "cGxhY2Vob2xk\r\n  ZXIta2V5LTE=",
    "p\0l\0a\0c\0e\0h\0o\0l\0d\0e\0r\0-\0k\0e\0y\0-\x001\0",
    "\\160\\154aceholder-key-\\61",
    "70:6c:61:63:65:68:6f:6c:64:65:72:2d:6b:65:79:2d:31",
    "\"\0p\0w\0d\0\"\0",
    "\\\0\"\0otp\\\0\"\0",
    "o\0t\0p\0=\0",
    "\\n",
    "\r",
    "\0",
    "pl%2561ceholder-key&#45;1",
    "\"token\"",
    "'api_keys'",
    "\\\"token\\\"",
    "\\\\\\\"token\\\\\\\"",
    "&quot;Password&quot;",
    "\\u0022secret\\u0022",
    "%22jwt%22",
    "token",
    "tok%65n",
    "sig",
    "\"",
    "'",
    "\\",
    "%",
    "&",
    ":",
    "=",
    "%3D",
    "%253d",
    " ",
    "\n",
    "{",
    "}",
    ",",
    "1",
    "x",
    "\u{fc}",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_quick_look_overlooks_nothing(pieces in vec(select(&PIECES[..]), 0..16)) {
        let text = pieces.concat();
        for secrets in [secrets(&[KEY]), secrets(&[KEY, "123456", "12"]), secrets(&[])] {
            let finds = secrets.search(text.as_bytes()).next().is_some();
            prop_assert!(!finds || secrets.find(text.as_bytes()).next().is_some(), "{text}");
        }
    }
}

#[test]
fn a_row_without_secrets_takes_no_memory() {
    let row = r#"{"row":1,"value":"5120000000","status":"ok","url":"https://h.example/?a=b","added_at":"2026-11-27T13:35:03.858Z"}"#;
    let secrets = secrets(&[KEY]);
    let measured = allocation_counter::measure(|| {
        assert_eq!(secrets.redact(row.as_bytes()).next(), Some(row.as_bytes()));
    });
    assert_eq!(measured.count_total, 0);
}
