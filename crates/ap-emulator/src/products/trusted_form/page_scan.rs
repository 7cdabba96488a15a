//! Searching the page of a certificate. Case and repeated white space are ignored.

use crate::example_data::certificates::{CONSENT, PAGE_TEXT};

/// The terms of a search, by their result.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found<'a> {
    pub(super) found: Vec<&'a str>,
    pub(super) not_found: Vec<&'a str>,
}

/// A page, and what stands around the wildcards in terms.
#[derive(Debug)]
pub(super) struct PageScan {
    page: String,
    wildcard: Option<String>,
}

impl PageScan {
    /// `has_page` is `false` for a certificate without a page. There is nothing to find on it.
    pub(super) fn new(has_page: bool, delimiter: Option<&str>) -> Self {
        let page = if has_page {
            format!("{PAGE_TEXT} {CONSENT}")
        } else {
            String::new()
        };
        Self {
            page: normalise(&page),
            wildcard: delimiter.map(|delimiter| {
                let delimiter = delimiter.to_lowercase();
                format!("{delimiter}*{delimiter}")
            }),
        }
    }

    pub(super) fn search<'a>(&self, terms: &'a [String]) -> Found<'a> {
        let mut result = Found::default();
        for term in terms {
            match self.contains(term) {
                true => result.found.push(term),
                false => result.not_found.push(term),
            }
        }
        result
    }

    fn contains(&self, term: &str) -> bool {
        let term = normalise(term);
        let Some(wildcard) = &self.wildcard else {
            return self.page.contains(&term);
        };
        let mut rest = &*self.page;
        term.split(&**wildcard).all(|part| {
            let part = part.trim();
            match rest.find(part) {
                Some(at) => {
                    rest = rest.get(at + part.len()..).unwrap_or_default();
                    true
                }
                None => false,
            }
        })
    }
}

fn normalise(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::PageScan;

    #[test]
    fn terms_are_found_without_regard_to_case_and_white_space() {
        for (delimiter, term, expected) in [
            (None, "free quote", true),
            (None, " Free\n\tQUOTE. ", true),
            (None, "freequote", false),
            (None, "free quote!", false),
            (None, "free |*| your roof", false),
            (Some("|"), "free |*| your roof", true),
            (Some("|"), "your roof |*| free", false),
            (Some("=="), "free ==*== roof ==*== email", true),
            (Some("X"), "free x*x roof", true),
            (Some("|"), "free quote", true),
            (Some("|"), "solar |*| roof", false),
        ] {
            let terms = [term.to_owned()];
            let result = PageScan::new(true, delimiter).search(&terms);
            assert_eq!(!result.found.is_empty(), expected, "{delimiter:?} {term:?}");
            assert_eq!(result.not_found.is_empty(), expected);
        }
    }
}
