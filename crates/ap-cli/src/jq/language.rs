//! [`compile`]: from the text of a filter to one that runs.

use jaq_core::Compiler;
use jaq_core::compile::Undefined;
use jaq_core::load::{self, Arena, File, Loader};

use super::functions::{self, Data};

/// Compiles a filter. An error says where it is wrong.
pub(super) fn compile(code: &str) -> Result<jaq_core::Filter<Data>, String> {
    let arena = Arena::default();
    let loader = Loader::new(functions::definitions());
    let modules = loader
        .load(&arena, File { code, path: () })
        .map_err(|errors| match errors.first() {
            Some((_, error)) => syntax_error(code, error),
            None => "it is not valid".to_owned(),
        })?;
    let compiler = Compiler::default().with_funs(functions::natives());
    compiler.compile(modules).map_err(|errors| {
        let first = errors.first().and_then(|(_, errors)| errors.first());
        match first {
            Some((name, Undefined::Filter(count))) => format!(
                "at byte {}: there is no such function with {count} arguments",
                position(code, name)
            ),
            Some((name, what)) => {
                format!(
                    "at byte {}: there is no such {}",
                    position(code, name),
                    what.as_str()
                )
            }
            None => "it is not valid".to_owned(),
        }
    })
}

fn syntax_error(code: &str, error: &load::Error<&str>) -> String {
    let found = match error {
        load::Error::Lex(errors) => errors
            .first()
            .map(|(expected, at)| (expected.as_str(), *at)),
        load::Error::Parse(errors) => errors
            .first()
            .map(|(expected, at)| (expected.as_str(), *at)),
        load::Error::Io(_) => return "it has a module, and modules are not read".to_owned(),
    };
    match found {
        Some((expected, at)) => format!("at byte {}: expected {expected}", position(code, at)),
        None => "it is not valid".to_owned(),
    }
}

/// Returns where a part of a filter begins.
fn position(code: &str, part: &str) -> usize {
    let start = (part.as_ptr() as usize).saturating_sub(code.as_ptr() as usize);
    start.min(code.len())
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_definition_has_the_functions_that_it_needs() {
        assert!(super::compile(".").is_ok());
    }
}
