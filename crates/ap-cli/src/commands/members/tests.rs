//! What is built of names and values, and what is refused.

use super::options::TYPED;
use super::*;

fn members(texts: &[&str], typed: &[&str]) -> Result<Object, Failure> {
    let given = |option, texts: &[&str]| {
        let texts = texts.iter().zip(1..);
        let given = texts.map(move |(text, number)| Given {
            occurrence: Occurrence { option, number },
            text: (*text).to_owned(),
        });
        given.collect::<Vec<_>>()
    };
    let given = [given(TEXT, texts), given(TYPED, typed)].concat();
    let options = MemberOptions(given);
    options.parse().and_then(Members::build)
}

fn json(texts: &[&str], typed: &[&str]) -> Result<String, String> {
    let body = members(texts, typed).and_then(Object::into_json);
    body.map(|body| String::from_utf8(body).unwrap())
        .map_err(|failure| failure.message)
}

fn put_into(object: &str, texts: &[&str], typed: &[&str]) -> Result<String, String> {
    let mut object = RawObject::parse(object.as_bytes()).unwrap();
    let put = members(texts, typed).and_then(|members| members.put_into(&mut object));
    put.map(|()| serde_json::to_string(&object).unwrap())
        .map_err(|failure| failure.message)
}

#[test]
fn members_are_built_as_their_names_say() {
    for (texts, typed, expected) in [
        (&["a=1", "b=x=y"][..], &[][..], r#"{"a":"1","b":"x=y"}"#),
        (
            &[],
            &["a=1e400", "b=-0.50", "c=true", "d=null"],
            r#"{"a":1e400,"b":-0.50,"c":true,"d":null}"#,
        ),
        (
            &[],
            &["a=007", "b=1x", "c=-", "d=True", "e="],
            r#"{"a":"007","b":"1x","c":"-","d":"True","e":""}"#,
        ),
        (
            &["a[b]=1", "a[c][d]=2", "e=3"],
            &[],
            r#"{"a":{"b":"1","c":{"d":"2"}},"e":"3"}"#,
        ),
        (&["a[]=1", "a[]=2"], &["a[]=3"], r#"{"a":["1","2",3]}"#),
        (&["a[]"], &["b[c][]"], r#"{"a":[],"b":{"c":[]}}"#),
        (
            &["a[][n]=1", "a[][v]=2", "a[][n]=3", "a[][v]=4"],
            &[],
            r#"{"a":[{"n":"1","v":"2"},{"n":"3","v":"4"}]}"#,
        ),
        (
            &["a[][b][]=1", "a[][b][]=2"],
            &[],
            r#"{"a":[{"b":["1","2"]}]}"#,
        ),
        (&["a[][]=1", "a[][]=2"], &[], r#"{"a":[["1","2"]]}"#),
        (&["é[\"]=\n"], &[], "{\"é\":{\"\\\"\":\"\\n\"}}"),
    ] {
        assert_eq!(json(texts, typed).unwrap(), expected);
    }
}

#[test]
fn what_cannot_be_built_is_named_by_its_place() {
    for (texts, typed, expected) in [
        (&["a"][..], &[][..], "value 1 of -f has no name or no ="),
        (&["a=1", "=2"], &[], "value 2 of -f has no name or no ="),
        (
            &[],
            &["a[=1"],
            "value 1 of -F has a name whose brackets are not in pairs",
        ),
        (
            &["a]=1"],
            &[],
            "value 1 of -f has a name whose brackets are not in pairs",
        ),
        (
            &["a[b[c]]=1"],
            &[],
            "value 1 of -f has a name whose brackets are not in pairs",
        ),
        (
            &["a[b]c=1"],
            &[],
            "value 1 of -f has a name whose brackets are not in pairs",
        ),
        (
            &["a=1", "a=2"],
            &[],
            "value 2 of -f names a member that is given already",
        ),
        (
            &["a=1"],
            &["a=2"],
            "value 1 of -F names a member that is given already",
        ),
        (
            &["a=1", "a[b]=2"],
            &[],
            "value 2 of -f names a member of what is no object",
        ),
        (
            &["a[b]=1", "a[]=2"],
            &[],
            "value 2 of -f names an item of what is no list",
        ),
        (
            &["a[b]=1", "a=2"],
            &[],
            "value 2 of -f names a member that is given already",
        ),
    ] {
        assert_eq!(json(texts, typed).unwrap_err(), expected);
    }
}

#[test]
fn what_members_do_not_name_keeps_its_text() {
    const OBJECT: &str = r#"{"n":1.50,"a":{"x":1e400,"y":{"z":[1]}},"l":[1,2],"null":null}"#;
    for (texts, typed, expected) in [
        (
            &["a[y][w]=q"][..],
            &["a[x]=2"][..],
            r#"{"n":1.50,"a":{"x":2,"y":{"z":[1],"w":"q"}},"l":[1,2],"null":null}"#,
        ),
        (
            &["l[]=b"],
            &["a=1"],
            r#"{"n":1.50,"a":1,"l":["b"],"null":null}"#,
        ),
        (
            &["null[b]=c", "l[]", "new[b][]=c"],
            &["a=null"],
            r#"{"n":1.50,"a":null,"l":[],"null":{"b":"c"},"new":{"b":["c"]}}"#,
        ),
    ] {
        assert_eq!(put_into(OBJECT, texts, typed).unwrap(), expected);
    }
    for (texts, typed, expected) in [
        (
            &["a=1", "n[b]=1"][..],
            &[][..],
            "value 2 of -f names a member of what is no object",
        ),
        (
            &[],
            &["a[y][z][b]=1"],
            "value 1 of -F names a member of what is no object",
        ),
    ] {
        assert_eq!(put_into(OBJECT, texts, typed).unwrap_err(), expected);
    }
}

#[test]
fn a_name_has_an_end() {
    let deep = |count: usize| format!("a{}=1", "[b]".repeat(count));
    assert!(json(&[&deep(31)], &[]).is_ok());
    let says = "value 1 of -f has a name with too many brackets";
    for count in [32, 40_000] {
        assert_eq!(json(&[&deep(count)], &[]).unwrap_err(), says);
    }
}
