//! The places in a case's texts that are filled in when it runs:
//!
//! | text | becomes |
//! |---|---|
//! | `${NAME.origin}` | the origin of a listener, `http://127.0.0.1:port` or `https://localhost:port` |
//! | `${NAME.port}` | its port |
//! | `${key.NAME}` | a key |
//! | `${pair.NAME}` | the base64 of the pair that the key is sent in |
//! | `${rev.NAME}` | a key backwards |
//! | `${root}` | the certificate of the suite's authority, in PEM |
//! | `${as.N}` | so many letters `a` |

use std::collections::BTreeMap;

#[derive(Clone, Debug, Default)]
pub(crate) struct Template {
    values: BTreeMap<String, String>,
}

impl Template {
    pub(crate) fn set(&mut self, name: String, value: String) {
        self.values.insert(name, value);
    }

    /// The text with every known place filled in.
    ///
    /// # Errors
    ///
    /// The name of a place that is not known.
    pub(crate) fn fill(&self, text: &str) -> Result<String, String> {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, behind) = after.split_once('}').ok_or("a `${` without its `}`")?;
            filled.push_str(before);
            match (self.values.get(name), name.strip_prefix("as.")) {
                (Some(value), _) => filled.push_str(value),
                (None, Some(count)) if count.parse::<usize>().is_ok_and(|n| n <= 1 << 20) => {
                    filled.extend(std::iter::repeat_n('a', count.parse().unwrap_or(0)));
                }
                _ => return Err(format!("there is no `${{{name}}}` to fill in")),
            }
            rest = behind;
        }
        filled.push_str(rest);
        Ok(filled)
    }
}
