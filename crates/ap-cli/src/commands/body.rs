//! The body of a command that writes: a file, standard input, or single members.

use std::borrow::Cow;
use std::path::PathBuf;

use serde_json::value::RawValue;

use super::api::body::check_encoding;
use super::api::fields::typed_json;
use super::raw_object::RawObject;
use crate::bulk::input::columns::suggestion;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::keys::Prompt;
use crate::limited_read::{is_standard_input, read_body};
use crate::redact::MARK;

/// The options of commands that send an object.
#[derive(clap::Args, Debug)]
pub(crate) struct BodyOptions {
    /// A file with the whole object as JSON, or - for standard input.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) members: MemberOptions,
}

/// Single members of an object.
#[derive(clap::Args, Debug)]
pub(crate) struct MemberOptions {
    /// A member that is a text; can be repeated.
    #[arg(short = 'f', value_name = "NAME=VALUE", value_parser = parse_text)]
    texts: Vec<(String, Box<RawValue>)>,
    /// A member that is true, false, null or a number, otherwise a text; can be repeated.
    #[arg(short = 'F', value_name = "NAME=VALUE", value_parser = parse_typed, allow_hyphen_values = true)]
    typed: Vec<(String, Box<RawValue>)>,
}

/// The names that the members of an object can have.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Names {
    /// Any: the account chooses them.
    Any,
    /// Only these, of an object that is called so in errors.
    Of(&'static str, &'static [&'static str]),
}

/// The text of an object, and the file that it is, if it is one.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) text: Vec<u8>,
    pub(crate) file: Option<PathBuf>,
}

impl BodyOptions {
    /// Returns `true` if a file or standard input has the whole object.
    pub(crate) const fn is_whole(&self) -> bool {
        self.file.is_some()
    }

    /// Returns `true` if nothing was given.
    pub(crate) fn is_empty(&self) -> bool {
        !self.is_whole() && self.members.is_empty()
    }

    /// Returns if a person can be asked for a key: standard input may be the body.
    pub(crate) fn prompt(&self) -> Prompt {
        match self.file.as_deref().is_some_and(is_standard_input) {
            true => Prompt::Never,
            false => Prompt::Allowed,
        }
    }

    /// Returns the object of the file or of standard input, with the single members. Without a file it has them alone.
    ///
    /// The names are those that single members can have, beside those that the file has.
    pub(crate) fn read(&self, names: Names) -> Result<Body, Failure> {
        let Some(file) = &self.file else {
            self.members.check(names, &RawObject::default())?;
            return self.members.on(b"{}");
        };
        let (text, name) = read_body(file)?;
        check_encoding(&text, &name)?;
        let object = RawObject::parse(&text).map_err(|error| {
            Failure::usage(
                format!(
                    "{name} is not a JSON object (line {}, column {})",
                    error.line(),
                    error.column()
                ),
                "correct it; nothing was sent",
            )
        })?;
        self.members.check(names, &object)?;
        if memchr::memmem::find(&text, MARK.as_bytes()).is_some() {
            return Err(Failure::usage(
                format!("{name} has {MARK} in place of a secret, which would replace the secret"),
                "write the secret there, or change single members with -f",
            ));
        }
        if self.members.is_empty() {
            let file = (!is_standard_input(file)).then(|| file.clone());
            return Ok(Body { text, file });
        }
        self.members.on(&text)
    }
}

impl MemberOptions {
    /// Returns `true` if there is none.
    pub(crate) const fn is_empty(&self) -> bool {
        self.texts.is_empty() && self.typed.is_empty()
    }

    /// Fails for a name that is none of these, and that the object does not have either.
    pub(crate) fn check(&self, names: Names, object: &RawObject<'_>) -> Result<(), Failure> {
        let Names::Of(noun, known) = names else {
            return Ok(());
        };
        for (option, members) in [("-f", &self.texts), ("-F", &self.typed)] {
            let is_unknown =
                |(name, _): &Member| !known.contains(&&**name) && object.get(name).is_none();
            let Some(at) = members.iter().position(is_unknown) else {
                continue;
            };
            let nearest = suggestion(known.iter().copied(), &members[at].0);
            return Err(Failure::usage(
                format!(
                    "name {} of {option} is no member of {noun}{nearest}",
                    at + 1
                ),
                format!(
                    "its members: {}; to send another one, write the whole object to a file",
                    known.join(", ")
                ),
            ));
        }
        Ok(())
    }

    /// Returns an object with these members in place of its own. Everything else stays as it is.
    pub(crate) fn on(&self, object: &[u8]) -> Result<Body, Failure> {
        let not_an_object = |_| {
            let message = "the answer is not a JSON object";
            Failure::new(ExitCode::Other, message, "nothing was changed")
        };
        let mut object = RawObject::parse(object).map_err(not_an_object)?;
        for (name, value) in self.texts.iter().chain(&self.typed) {
            object.set(name, Cow::Borrowed(&**value));
        }
        let text = serde_json::to_vec(&object).map_err(not_an_object)?;
        Ok(Body { text, file: None })
    }
}

type Member = (String, Box<RawValue>);

fn parse_text(given: &str) -> Result<Member, &'static str> {
    let (name, value) = split(given)?;
    Ok((name.to_owned(), text(value)?))
}

fn parse_typed(given: &str) -> Result<Member, &'static str> {
    let (name, value) = split(given)?;
    let value = typed_json(value).map_or_else(|| text(value), Ok)?;
    Ok((name.to_owned(), value))
}

fn text(value: &str) -> Result<Box<RawValue>, &'static str> {
    serde_json::value::to_raw_value(value).map_err(|_| "write it as NAME=VALUE")
}

fn split(given: &str) -> Result<(&str, &str), &'static str> {
    match given.split_once('=') {
        Some((name, _)) if name.contains(['[', ']']) => {
            Err("only members of the object itself can be given so; write the object to a file")
        }
        Some((name, value)) if !name.is_empty() => Ok((name, value)),
        _ => Err("write it as NAME=VALUE"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_has_the_type_that_its_option_says() {
        type Parse = fn(&str) -> Result<Member, &'static str>;
        let table: [(Parse, &str, &str); 8] = [
            (parse_text, "a=1", "\"1\""),
            (parse_text, "a=x=\"y\"", r#""x=\"y\"""#),
            (parse_typed, "a=1.50", "1.50"),
            (parse_typed, "a=-1e400", "-1e400"),
            (parse_typed, "a=null", "null"),
            (parse_typed, "a=007", "\"007\""),
            (parse_typed, "a=True", "\"True\""),
            (parse_typed, "a=", "\"\""),
        ];
        for (parse, given, expected) in table {
            let (name, value) = parse(given).unwrap();
            assert_eq!((name.as_str(), value.get()), ("a", expected), "{given}");
        }
        for given in ["a", "=1", "a[b]=1"] {
            assert!(parse_text(given).is_err() && parse_typed(given).is_err());
        }
    }
}
