//! The body of a command that writes: a file, standard input, or single members.

use std::path::PathBuf;

use super::api::body::check_encoding;
use super::members::{MemberOptions, Names, Object};
use super::raw_object::RawObject;
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

    /// Returns if a person can be asked for a key: standard input may be the body, or a part of it.
    pub(crate) fn prompt(&self) -> Prompt {
        match self.is_standard_input() || self.members.read_standard_input() {
            true => Prompt::Never,
            false => Prompt::Allowed,
        }
    }

    fn is_standard_input(&self) -> bool {
        self.file.as_deref().is_some_and(is_standard_input)
    }

    /// Returns the object of the file or of standard input, with the single members. Without a file it has them alone.
    ///
    /// The names are those that single members can have, beside those that the file has.
    pub(crate) fn read(&self, names: Names) -> Result<Body, Failure> {
        let Some(file) = &self.file else {
            let text = self.alone(names)?.into_json()?;
            return Ok(Body { text, file: None });
        };
        if self.is_standard_input() && self.members.read_standard_input() {
            return Err(Failure::usage(
                "both the object and a value of -F are standard input, which is read once",
                "use a file for one of them",
            ));
        }
        let (text, name) = read_body(file)?;
        check_encoding(&text, &name)?;
        let mut object = RawObject::parse(&text).map_err(|error| {
            Failure::usage(
                format!(
                    "{name} is not a JSON object (line {}, column {})",
                    error.line(),
                    error.column()
                ),
                "correct it; nothing was sent",
            )
        })?;
        let members = self.members.parse()?.build()?;
        members.check(names, &object)?;
        if memchr::memmem::find(&text, MARK.as_bytes()).is_some() {
            return Err(Failure::usage(
                format!("{name} has {MARK} in place of a secret, which would replace the secret"),
                "write the secret there, or change single members with -f",
            ));
        }
        if self.members.is_empty() {
            let file = (!self.is_standard_input()).then(|| file.clone());
            return Ok(Body { text, file });
        }
        members.put_into(&mut object)?;
        Ok(Body {
            text: written(&object)?,
            file: None,
        })
    }

    /// Returns the single members, which have only these names.
    pub(crate) fn alone(&self, names: Names) -> Result<Object, Failure> {
        let members = self.members.parse()?.build()?;
        members.check(names, &RawObject::default())?;
        Ok(members)
    }
}

impl Body {
    /// Puts members into the object of an answer.
    pub(crate) fn changed(answer: &[u8], members: Object) -> Result<Self, Failure> {
        const HINT: &str = "nothing was changed";
        let mut object = RawObject::parse(answer).map_err(|_| {
            let message = "the answer is not a JSON object";
            Failure::new(ExitCode::Other, message, HINT)
        })?;
        members
            .put_into(&mut object)
            .map_err(|failure| Failure::new(ExitCode::Other, failure.message, HINT))?;
        Ok(Self {
            text: written(&object)?,
            file: None,
        })
    }
}

fn written(object: &RawObject<'_>) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(object).map_err(|_| {
        let message = "the object cannot be written as JSON";
        Failure::new(ExitCode::Other, message, "nothing was changed")
    })
}
