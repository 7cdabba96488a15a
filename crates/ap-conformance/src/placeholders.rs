//! Placeholders in a case's texts, which are filled in when it runs:
//!
//! | text | becomes |
//! |---|---|
//! | `${NAME.origin}` | the origin of a listener, `http://127.0.0.1:port` or `https://localhost:port` |
//! | `${NAME.port}` | its port |
//! | `${key.NAME}` | a key |
//! | `${pair.NAME}` | the base64 of the user name and key, as it is sent |
//! | `${rev.NAME}` | a key backwards |
//! | `${root}` | the certificate of the suite's authority, in PEM |
//! | `${as.N}` | N letters `a` |

use std::collections::BTreeMap;

/// The longest run of letters that `${as.N}` makes.
const MAX_LETTERS: usize = 1 << 20;

/// The values of the placeholders in one run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Placeholders {
    values: BTreeMap<String, String>,
}

impl Placeholders {
    pub(crate) fn set(&mut self, name: String, value: String) {
        self.values.insert(name, value);
    }

    /// Returns the text with every placeholder filled in.
    ///
    /// # Errors
    ///
    /// Names a placeholder that does not exist.
    pub(crate) fn fill(&self, text: &str) -> Result<String, String> {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, remaining) = after.split_once('}').ok_or("a `${` has no `}`")?;
            filled.push_str(before);
            let count = name.strip_prefix("as.").and_then(|n| n.parse().ok());
            match (self.values.get(name), count) {
                (Some(value), _) => filled.push_str(value),
                (None, Some(count)) if count <= MAX_LETTERS => {
                    filled.extend(std::iter::repeat_n('a', count));
                }
                _ => return Err(format!("there is no placeholder `${{{name}}}`")),
            }
            rest = remaining;
        }
        filled.push_str(rest);
        Ok(filled)
    }
}
