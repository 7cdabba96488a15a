//! The name of a member: `a`, `a[b]` in the object `a`, or `a[]` in the list `a`.

/// The deepest name. Nothing in these APIs comes near it.
const MAX_PARTS: usize = 32;

/// A part of a name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part<'a> {
    Name(&'a str),
    /// `[]`
    Item,
}

/// Splits a name such as `a[b][]`. Fails with what is wrong with it.
pub(super) fn parts(name: &str) -> Result<Vec<Part<'_>>, &'static str> {
    const INVALID: &str = "has a name whose brackets are not in pairs";
    let end = name.find('[').unwrap_or(name.len());
    let (first, mut rest) = name.split_at(end);
    if first.is_empty() || first.contains(']') {
        return Err(INVALID);
    }
    let mut parts = vec![Part::Name(first)];
    while !rest.is_empty() {
        let inside = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        let (inside, after) = inside.ok_or(INVALID)?;
        if inside.contains('[') {
            return Err(INVALID);
        }
        if parts.len() == MAX_PARTS {
            return Err("has a name with too many brackets");
        }
        parts.push(match inside {
            "" => Part::Item,
            name => Part::Name(name),
        });
        rest = after;
    }
    Ok(parts)
}
