//! The headers given with `-H`.

use activeprospect::http::{HeaderMap, HeaderName, HeaderValue};

use crate::failure::Failure;

/// Parses the values of `-H`. A name that is given twice has two lines.
pub(super) fn parse(lines: &[String]) -> Result<HeaderMap, Failure> {
    let mut headers = HeaderMap::new();
    for (index, line) in lines.iter().enumerate() {
        let invalid = |what: &str| {
            Failure::usage(
                format!("header {} given with -H {what}", index + 1),
                "write it as 'Name: value'",
            )
        };
        let (name, value) = line
            .split_once(':')
            .ok_or_else(|| invalid("has no colon"))?;
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| invalid("has a name that is not valid"))?;
        let value = HeaderValue::from_str(value.trim_matches([' ', '\t']))
            .map_err(|_| invalid("has a value with a control character"))?;
        headers.append(name, value);
    }
    Ok(headers)
}
