//! [`MemberOptions`]: `-f` and `-F` as they are given.

use clap::{Arg, ArgAction, ArgMatches, Command, Error};

use super::field::{Occurrence, is_standard_input};

/// The option of texts.
pub(super) const TEXT: &str = "-f";
/// The option whose values have the type that their form says.
pub(super) const TYPED: &str = "-F";

const OPTIONS: [(&str, &str); 2] = [(TEXT, "texts"), (TYPED, "typed")];

/// The values of both options, in the order of the command line: an item of a list has members of both.
#[derive(Debug)]
pub(crate) struct MemberOptions(pub(super) Vec<Given>);

#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) occurrence: Occurrence,
    pub(super) text: String,
}

impl MemberOptions {
    /// Returns `true` if there is none.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns `true` if standard input is one of the values.
    pub(crate) fn read_standard_input(&self) -> bool {
        self.standard_inputs().next().is_some()
    }

    pub(super) fn standard_inputs(&self) -> impl Iterator<Item = &Given> {
        let given = self.0.iter();
        given.filter(|given| given.occurrence.option == TYPED && is_standard_input(&given.text))
    }
}

impl clap::FromArgMatches for MemberOptions {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let mut all = Vec::new();
        for (option, id) in OPTIONS {
            let indices = matches.indices_of(id).unwrap_or_default();
            let texts = matches.get_many::<String>(id).unwrap_or_default();
            for ((index, text), number) in indices.zip(texts).zip(1..) {
                let occurrence = Occurrence { option, number };
                let text = text.clone();
                all.push((index, Given { occurrence, text }));
            }
        }
        all.sort_by_key(|(index, _)| *index);
        Ok(Self(all.into_iter().map(|(_, given)| given).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl clap::Args for MemberOptions {
    fn augment_args(command: Command) -> Command {
        let [texts, typed] = OPTIONS.map(|(_, id)| {
            let option = Arg::new(id).action(ArgAction::Append);
            option.value_name("NAME=VALUE")
        });
        let texts = texts.short('f').long("raw-field").help(
            "A member that is a text. a[b]=c is a member of the object a, a[]=c an item of the list a, a[] an empty \
             list; can be repeated",
        );
        let typed = typed.short('F').long("field").help(
            "The same, but true, false, null and numbers have their own type, and @FILE or @- is the text of a file \
             or of standard input",
        );
        command.arg(texts).arg(typed)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}
