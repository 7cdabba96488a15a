//! Templates and numbers in the page's text.

/// Replaces each `{{name}}`. All values come from the emulator and contain nothing that HTML treats
/// as markup, apart from the markup that the page's own files put there.
pub(super) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut filled = template.to_owned();
    for (name, value) in values {
        filled = filled.replace(&format!("{{{{{name}}}}}"), value);
    }
    filled
}

/// Returns a number with its noun, as in `1 call` and `2 calls`.
pub(super) fn count(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}
