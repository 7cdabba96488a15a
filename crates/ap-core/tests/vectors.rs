//! Runs every row of the files in `vectors/`.
#![allow(clippy::unwrap_used, clippy::panic)]

use ap_core::key::{DEFAULT_USER, Pasted, basic};
use ap_core::origin::{InvalidOrigins, is_loopback};
use ap_core::request::InvalidTarget;
use ap_core::unauthorized::DOCUMENTED_BODY;
use ap_core::{
    ApiKey, Credentials, Draft, Hint, InvalidKey, InvalidOrigin, InvalidUser, KeyRing, Origin,
    Origins, Product, RequestError, Service, Unauthorized, UnauthorizedKind, check, sign,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Request, StatusCode, Uri, header};
use serde_json::{Value, json};

/// Returns the rows of a table. Their exact number is stated, since a file that was cut would pass otherwise.
fn rows(file: &Value, table: &str, count: usize) -> Vec<Value> {
    for member in ["about", "format", "source"] {
        assert!(file[member].is_string(), "the file has no {member}");
    }
    let rows = file[table].as_array().unwrap();
    assert_eq!(rows.len(), count, "rows of {table}");
    rows.clone()
}

fn file(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Returns a text of the files. Each file explains the notation under `format`.
fn bytes(text: &Value) -> Vec<u8> {
    match text {
        Value::String(text) => text.as_bytes().to_vec(),
        Value::Array(parts) => parts.iter().flat_map(bytes).collect(),
        Value::Object(members) if members.contains_key("repeat") => {
            bytes(&members["repeat"]).repeat(text["times"].as_u64().unwrap().try_into().unwrap())
        }
        Value::Object(members) => {
            let hex = members["hex"].as_str().unwrap().as_bytes();
            assert!(hex.len().is_multiple_of(2));
            hex.chunks(2)
                .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
                .collect()
        }
        _ => panic!("{text} is not a text"),
    }
}

fn text(text: &Value) -> String {
    String::from_utf8(bytes(text)).unwrap()
}

/// Fails with all rows that differ.
#[track_caller]
fn assert_all(differences: &[String]) {
    assert!(differences.is_empty(), "\n{}", differences.join("\n"));
}

fn key(text: &str) -> ApiKey {
    ApiKey::parse(text).unwrap()
}

// --- authorization.json

const AUTHORIZATION: &str = include_str!("../vectors/authorization.json");

#[test]
fn the_header_is_the_pair_in_base64() {
    let rows = rows(&file(AUTHORIZATION), "vectors", 163);
    let mut remainders = [0; 3];
    let mut outputs = String::new();
    for row in &rows {
        let (user, secret) = (text(&row["user"]), text(&row["key"]));
        let credentials = Credentials::with_user(&user, key(&secret)).unwrap();
        let value = credentials.authorization();
        assert_eq!(value.as_bytes(), bytes(&row["header"]), "{}", row["name"]);
        assert!(value.is_sensitive());
        assert_eq!(value, basic(user.as_bytes(), secret.as_bytes()));
        assert_eq!(
            (credentials.user(), credentials.key().expose()),
            (&*user, &*secret)
        );

        let mut request = Request::get("https://app.leadconduit.com/")
            .body(())
            .unwrap();
        sign(&mut request, &credentials, &Origins::vendor()).unwrap();
        let lines: Vec<_> = request
            .headers()
            .get_all(header::AUTHORIZATION)
            .iter()
            .collect();
        assert_eq!(lines, [value]);

        let encoded = lines[0].to_str().unwrap().strip_prefix("Basic ").unwrap();
        assert_eq!(encoded, text(&row["base64"]));
        let pair = STANDARD.decode(encoded).unwrap();
        assert_eq!(pair, bytes(&row["pair"]));
        let colon = pair.iter().position(|byte| *byte == b':').unwrap();
        assert_eq!(
            (&pair[..colon], &pair[colon + 1..]),
            (user.as_bytes(), secret.as_bytes())
        );
        remainders[pair.len() % 3] += 1;
        outputs.push_str(encoded);
    }
    assert_eq!(remainders, [21, 120, 22], "pairs of every length modulo 3");
    assert!(outputs.contains('+') && outputs.contains('/') && outputs.contains("=="));
    let keys: String = rows.iter().map(|row| text(&row["key"])).collect();
    assert!(('!'..='~').all(|byte| keys.contains(byte)));
}

#[test]
fn the_default_user_name_makes_the_rows_of_that_name() {
    let rows = rows(&file(AUTHORIZATION), "vectors", 163);
    let default: Vec<_> = rows
        .iter()
        .filter(|row| row["user"] == DEFAULT_USER)
        .collect();

    for row in default {
        let credentials = Credentials::new(key(&text(&row["key"])));
        assert_eq!(
            credentials.authorization().as_bytes(),
            bytes(&row["header"])
        );
    }
}

#[test]
fn the_bare_encoder_takes_what_a_key_cannot_be() {
    for row in rows(&file(AUTHORIZATION), "encoder_only", 5) {
        let value = basic(&bytes(&row["user"]), &bytes(&row["password"]));
        assert_eq!(value.as_bytes(), bytes(&row["header"]), "{}", row["name"]);
        assert!(value.is_sensitive());
        assert!(
            ApiKey::parse(bytes(&row["password"])).is_err(),
            "{}",
            row["name"]
        );
    }
}

// --- keys.json

const KEYS: &str = include_str!("../vectors/keys.json");

fn key_refusal(reason: InvalidKey) -> Value {
    match reason {
        InvalidKey::Empty => json!({"reason": "empty"}),
        InvalidKey::TooLong { len } => json!({"reason": "too_long", "len": len}),
        InvalidKey::LineBreak { at } => json!({"reason": "line_break", "at": at}),
        InvalidKey::Space { at } => json!({"reason": "space", "at": at}),
        InvalidKey::Control { at } => json!({"reason": "control", "at": at}),
        InvalidKey::NonAscii { at, character } => json!({
            "reason": "non_ascii", "at": at, "code_point": format!("U+{:04X}", u32::from(character)),
        }),
        InvalidKey::NotText { at } => json!({"reason": "not_text", "at": at}),
        InvalidKey::Quoted => json!({"reason": "quoted"}),
        InvalidKey::Pasted(what) => json!({"reason": "pasted", "pasted": match what {
            Pasted::UserAndKey => "user_and_key",
            Pasted::CurlArgument => "curl_argument",
            Pasted::HeaderLine => "header_line",
            Pasted::HeaderValue => "header_value",
            Pasted::Assignment => "assignment",
            Pasted::Url => "url",
            Pasted::Json => "json",
            other => panic!("no row can expect {other:?}"),
        }}),
        other => panic!("no row can expect {other:?}"),
    }
}

fn user_refusal(reason: InvalidUser) -> Value {
    match reason {
        InvalidUser::Colon { at } => json!({"reason": "colon", "at": at}),
        InvalidUser::NotPrintable { at } => json!({"reason": "not_printable", "at": at}),
        InvalidUser::TooLong { len } => json!({"reason": "too_long", "len": len}),
        other => panic!("no row can expect {other:?}"),
    }
}

/// Returns what a row expects: the row without what it gives.
fn expected(row: &Value, given: &str) -> Value {
    let mut row = row.clone();
    let members = row.as_object_mut().unwrap();
    members.remove("name");
    members.remove(given);
    row
}

#[test]
fn keys_are_accepted_exactly_as_given() {
    for row in rows(&file(KEYS), "accepted", 23) {
        let given = bytes(&row["key"]);
        let key = ApiKey::parse(&given).unwrap_or_else(|e| panic!("{}: {e}", row["name"]));
        assert_eq!(key.expose().as_bytes(), given, "{}", row["name"]);
    }
}

#[test]
fn a_text_that_is_no_key_is_refused_with_the_reason_and_the_byte() {
    let mut differences = Vec::new();
    for row in rows(&file(KEYS), "refused", 88) {
        let expected = expected(&row, "key");
        match ApiKey::parse(bytes(&row["key"])) {
            Ok(_) => differences.push(format!("{}: accepted", row["name"])),
            Err(reason) => {
                let found = key_refusal(reason);
                if found != expected {
                    differences.push(format!("{}: {found}, not {expected}", row["name"]));
                }
                let shown = format!("{reason} {reason:?}");
                for part in ["placeholder", "holder", "kkkk"] {
                    assert!(!shown.contains(part), "{}: {shown}", row["name"]);
                }
                if let Some(code_point) = expected.get("code_point") {
                    assert!(reason.to_string().contains(code_point.as_str().unwrap()));
                }
            }
        }
    }
    assert_all(&differences);
}

#[test]
fn user_names_are_accepted_or_refused() {
    let file = file(KEYS);
    for row in rows(&file, "users_accepted", 7) {
        let user = text(&row["user"]);
        let credentials = Credentials::with_user(&user, key("1234567890")).unwrap();
        assert_eq!(credentials.user(), user);
        let expected = STANDARD.encode(format!("{user}:1234567890"));
        assert_eq!(credentials.authorization(), &format!("Basic {expected}"));
    }
    for row in rows(&file, "users_refused", 11) {
        let reason = Credentials::with_user(&text(&row["user"]), key("1234567890")).unwrap_err();
        assert_eq!(
            user_refusal(reason),
            expected(&row, "user"),
            "{}",
            row["name"]
        );
        let ring = KeyRing::empty().with_user(&text(&row["user"]));
        assert_eq!(ring.unwrap_err(), reason, "a ring has the same rules");
    }
}

// --- origins.json

const ORIGINS: &str = include_str!("../vectors/origins.json");

fn origin_refusal(reason: InvalidOrigin) -> &'static str {
    match reason {
        InvalidOrigin::Scheme => "scheme",
        InvalidOrigin::PlainHttp => "plain_http",
        InvalidOrigin::NotLoopback => "not_loopback",
        InvalidOrigin::UserInformation => "user_information",
        InvalidOrigin::NoHost => "no_host",
        InvalidOrigin::Host => "host",
        InvalidOrigin::Port => "port",
        InvalidOrigin::Path => "path",
        other => panic!("no row can expect {other:?}"),
    }
}

fn service_id(service: Service) -> &'static str {
    match service {
        Service::LeadConduit => "lcx",
        Service::TrustedForm => "trustedform",
        Service::TrustedFormApp => "trustedform-app",
        Service::SuppressionList => "suppressionlist",
    }
}

fn service(id: &str) -> Service {
    Service::ALL
        .into_iter()
        .find(|service| service_id(*service) == id)
        .unwrap()
}

fn changes(list: &Value) -> Vec<(Service, Origin)> {
    let read = |text: &str| {
        Origin::parse(text)
            .or_else(|_| Origin::parse_loopback(text))
            .unwrap()
    };
    let list = list.as_object().unwrap();
    list.iter()
        .map(|(id, origin)| (service(id), read(origin.as_str().unwrap())))
        .collect()
}

#[test]
fn origins_are_parsed_into_one_form_or_refused() {
    let mut differences = Vec::new();
    for row in rows(&file(ORIGINS), "texts", 123) {
        let given = text(&row["text"]);
        for (how, read) in [
            ("parse", Origin::parse(&given)),
            ("parse_loopback", Origin::parse_loopback(&given)),
        ] {
            let found = match &read {
                Ok(origin) => json!({"origin": origin.as_str()}),
                Err(reason) => json!({"refused": origin_refusal(*reason)}),
            };
            if found != row[how] {
                differences.push(format!("{how} {given:?}: {found}, not {}", row[how]));
            }
            if let Ok(origin) = read {
                let again = Origin::parse(origin.as_str());
                let again = again.or_else(|_| Origin::parse_loopback(origin.as_str()));
                assert_eq!(
                    again.as_ref(),
                    Ok(&origin),
                    "the canonical form is read back"
                );
                assert!(origin.as_str().starts_with(&format!(
                    "{}://{}",
                    origin.scheme(),
                    origin.host()
                )));
                assert!(origin.is_https() || origin.is_loopback());
                assert_eq!(origin.to_string(), origin.as_str());
            } else if let Err(reason) = read {
                assert!(
                    !format!("{reason} {reason:?}").contains("placeholder"),
                    "{given}"
                );
            }
        }
    }
    assert_all(&differences);
}

#[test]
fn a_key_goes_to_the_origins_of_the_list_and_to_no_other() {
    let file = file(ORIGINS);
    let credentials = Credentials::new(key("1234567890"));
    let mut differences = Vec::new();
    let mut signed = 0;
    for row in rows(&file, "uris", 107) {
        let list = &file["lists"][row["list"].as_str().unwrap()];
        let origins = Origins::vendor().with_all(changes(list)).unwrap();
        let given = text(&row["uri"]);
        let found = match given.parse::<Uri>() {
            Err(_) => json!({"refused": "not_a_uri"}),
            Ok(uri) => {
                let listed = origins.service_of(&uri);
                let mut request = Request::new(());
                *request.uri_mut() = uri;
                request
                    .headers_mut()
                    .insert("accept", "application/json".parse().unwrap());
                let before = request.headers().clone();
                let outcome = sign(&mut request, &credentials, &origins);
                assert_eq!(outcome.clone().ok(), listed, "{given}");
                match outcome {
                    Ok(service) => {
                        signed += 1;
                        assert!(request.headers().contains_key(header::AUTHORIZATION));
                        json!({"service": service_id(service)})
                    }
                    Err(error) => {
                        assert_eq!(request.headers(), &before, "{given}");
                        assert!(
                            !format!("{error} {error:?}").contains("placeholder"),
                            "{given}"
                        );
                        json!({"refused": request_refusal(&error)})
                    }
                }
            }
        };
        let expected = match row.get("service") {
            Some(service) => json!({"service": service}),
            None => json!({"refused": row["refused"]}),
        };
        if found != expected {
            differences.push(format!(
                "{} {given:?}: {found}, not {expected}",
                row["list"]
            ));
        }
    }
    assert_all(&differences);
    assert_eq!(signed, 20);
}

#[test]
fn two_products_never_share_an_origin() {
    for row in rows(&file(ORIGINS), "list_changes", 6) {
        let built = Origins::vendor().with_all(changes(&row["changes"]));
        let found = match built {
            Ok(_) => None,
            Err(InvalidOrigins::Shared { one, other }) => {
                assert_ne!(one, other);
                Some("shared")
            }
            Err(other) => panic!("no row can expect {other:?}"),
        };
        assert_eq!(
            found,
            row.get("refused").map(|reason| reason.as_str().unwrap()),
            "{row}"
        );
    }
}

#[test]
fn loopback_means_the_same_everywhere() {
    for row in rows(&file(ORIGINS), "texts", 123) {
        if let Ok(uri) = text(&row["text"]).parse::<Uri>()
            && uri.path() == "/"
        {
            let loopback = row["parse_loopback"].get("origin").is_some();
            assert_eq!(is_loopback(&uri), loopback, "{uri}");
        }
    }
}

// --- targets.json

const TARGETS: &str = include_str!("../vectors/targets.json");

fn target_refusal(reason: InvalidTarget) -> Value {
    match reason {
        InvalidTarget::NotAbsolute => json!({"refused": "not_absolute"}),
        InvalidTarget::OtherHost => json!({"refused": "other_host"}),
        InvalidTarget::Backslash { at } => json!({"refused": "backslash", "at": at}),
        InvalidTarget::Control { at } => json!({"refused": "control", "at": at}),
        InvalidTarget::Unencoded { at } => json!({"refused": "unencoded", "at": at}),
        InvalidTarget::DotSegment => json!({"refused": "dot_segment"}),
        InvalidTarget::Percent { at } => json!({"refused": "percent", "at": at}),
        InvalidTarget::Fragment => json!({"refused": "fragment"}),
        InvalidTarget::TooLong => json!({"refused": "too_long"}),
        other => panic!("no row can expect {other:?}"),
    }
}

fn request_refusal(error: &RequestError) -> String {
    match error {
        RequestError::Origin(reason) => format!("origin.{}", origin_refusal(*reason)),
        RequestError::OriginNotAllowed(_) => "origin_not_allowed".to_owned(),
        RequestError::Target(reason) => {
            format!(
                "target.{}",
                target_refusal(*reason)["refused"].as_str().unwrap()
            )
        }
        RequestError::KeyInUrl => "key_in_url".to_owned(),
        other => panic!("no row can expect {other:?}"),
    }
}

#[test]
fn a_path_is_encoded_or_refused_and_never_changes_the_origin() {
    let origins = Origins::vendor();
    let credentials = Credentials::new(key("1234567890"));
    let mut differences = Vec::new();
    for row in rows(&file(TARGETS), "paths", 94) {
        let path = text(&row["path"]);
        let draft = Draft::get(Service::SuppressionList, &path);
        let found = match draft.prepare(&origins, None) {
            Ok((mut request, _)) => {
                assert_eq!(
                    origins.service_of(request.uri()),
                    Some(Service::SuppressionList)
                );
                assert_eq!(request.uri().host(), Some("app.suppressionlist.com"));
                assert_eq!(
                    sign(&mut request, &credentials, &origins),
                    Ok(Service::SuppressionList),
                    "{path:?}"
                );
                json!({"sent": request.uri().path_and_query().unwrap().as_str()})
            }
            Err(error) => {
                assert!(!error.to_string().contains("evil"));
                match error.request() {
                    Some(RequestError::Target(reason)) => target_refusal(*reason),
                    _ => panic!("{path:?}: {error:?}"),
                }
            }
        };
        let mut expected = expected(&row, "path");
        if let Some(sent) = expected.get("sent") {
            expected = json!({"sent": text(sent)});
        }
        if found != expected {
            differences.push(format!("{:.60?}: {found:.200}, not {expected:.200}", path));
        }
    }
    assert_all(&differences);
}

#[test]
fn a_url_is_signed_as_it_is_or_refused() {
    let file = file(TARGETS);
    let secret = file["key"].as_str().unwrap();
    let credentials = Credentials::new(key(secret));
    let mut differences = Vec::new();
    for row in rows(&file, "urls", 36) {
        let url = text(&row["url"]);
        let mut request = Request::new(());
        *request.uri_mut() = match url.parse() {
            Ok(uri) => uri,
            Err(_) => {
                differences.push(format!("{url:.80?}: not a URI"));
                continue;
            }
        };
        let before = request.uri().clone();
        let origins = Origins::vendor();
        let checked = check(&request, std::slice::from_ref(&credentials), &origins);
        let signed = sign(&mut request, &credentials, &origins);
        assert_eq!(checked, signed, "{url:.80}");
        let found = match signed {
            Ok(_) => json!({}),
            Err(error) => {
                assert!(request.headers().is_empty());
                assert!(
                    !format!("{error} {error:?}").contains("placeholder"),
                    "{url:.80}"
                );
                let mut found = match &error {
                    RequestError::Target(reason) => target_refusal(*reason),
                    _ => json!({}),
                };
                found["refused"] = request_refusal(&error).into();
                found
            }
        };
        assert_eq!(request.uri(), &before, "a signature never rewrites the URL");
        let expected = expected(&row, "url");
        if found != expected {
            differences.push(format!("{url:.80?}: {found}, not {expected}"));
        }
    }
    assert_all(&differences);
}

// --- unauthorized.json

const UNAUTHORIZED: &str = include_str!("../vectors/unauthorized.json");

fn kind_name(kind: UnauthorizedKind) -> &'static str {
    match kind {
        UnauthorizedKind::Documented => "documented",
        UnauthorizedKind::KnownForm => "known_form",
        UnauthorizedKind::OtherText => "other_text",
        UnauthorizedKind::OtherJson => "other_json",
        UnauthorizedKind::Truncated => "truncated",
        UnauthorizedKind::Empty => "empty",
        UnauthorizedKind::NotJson => "not_json",
        UnauthorizedKind::NotUtf8 => "not_utf8",
        UnauthorizedKind::TooLarge => "too_large",
        other => panic!("no row can expect {other:?}"),
    }
}

#[test]
fn the_body_of_a_401_or_403_is_read_as_the_rows_say() {
    let mut differences = Vec::new();
    let mut kinds = std::collections::BTreeSet::new();
    for row in rows(&file(UNAUTHORIZED), "bodies", 145) {
        let body = bytes(&row["body"]);
        let products = row["products"].as_array().unwrap();
        assert!(!products.is_empty());
        for product in products {
            let product: Product = product.as_str().unwrap().parse().unwrap();
            let status = row.get("status").map_or(401, |it| it.as_u64().unwrap());
            let status = StatusCode::from_u16(status.try_into().unwrap()).unwrap();
            let unauthorized = Unauthorized::from_answer(product, status, &body).unwrap();
            assert_eq!(unauthorized.product(), product);
            assert_eq!(unauthorized.status(), status);
            if status == 401 {
                assert_eq!(unauthorized, Unauthorized::parse(product, &body));
            }
            let hint = match unauthorized.hint() {
                Hint::CheckKeyOrLogIn(of) => {
                    assert_eq!(of, product);
                    "check_key_or_log_in"
                }
                Hint::CheckPlan => "check_plan",
                Hint::CheckKeyOrPlan(of) => {
                    assert_eq!(of, product);
                    "check_key_or_plan"
                }
                Hint::CheckNetwork => "check_network",
                other => panic!("no row can expect {other:?}"),
            };
            kinds.insert(kind_name(unauthorized.kind()));
            let found = json!({
                "kind": kind_name(unauthorized.kind()),
                "is_bad_key": unauthorized.is_bad_key(),
                "message": unauthorized.message(),
                "hint": hint,
            });
            let message = match &row["message"] {
                Value::Null => Value::Null,
                message => text(message).into(),
            };
            let expected = json!({
                "kind": row["kind"],
                "is_bad_key": row["is_bad_key"],
                "message": message,
                "hint": row["hint"],
            });
            if found != expected {
                let name = &row["name"];
                differences.push(format!(
                    "{product}, {name}: {found:.300}, not {expected:.300}"
                ));
            }
            let message = unauthorized.message().unwrap_or_default();
            assert!(!message.contains(char::is_control), "{message:?}");
            assert!(message.chars().count() < 800, "{} is too long", row["name"]);
            assert!(!message.contains("<html") && !message.contains("<?xml"));
            // Neither text repeats anything of the body.
            let shown = format!("{unauthorized} {unauthorized:?}");
            let short = Unauthorized::parse(product, b"");
            let longest = format!("{short} {short:?}").len() + 40;
            assert!(shown.len() <= longest && shown.is_ascii(), "{shown:?}");
        }
    }
    assert_all(&differences);
    assert_eq!(kinds.len(), 9, "every kind has a row: {kinds:?}");
}

#[test]
fn the_documented_body_is_the_vendors_33_bytes() {
    assert_eq!(DOCUMENTED_BODY.len(), 33);
    assert_eq!(
        bytes(&rows(&file(UNAUTHORIZED), "bodies", 145)[0]["body"]),
        DOCUMENTED_BODY
    );
}
