//! HTTP Basic as the vendor uses it: any user name, the key as the password.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::state::account::Key;

/// What a request's credentials are worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Accepted,
    Refused,
    /// More than one `Authorization` line: which one counts would be a guess.
    Ambiguous,
}

pub(crate) fn judge(headers: &HeaderMap, key: &Key) -> Verdict {
    let mut lines = headers.get_all(AUTHORIZATION).iter();
    let Some(line) = lines.next() else {
        return Verdict::Refused;
    };
    if lines.next().is_some() {
        return Verdict::Ambiguous;
    }
    match password(line.as_bytes()) {
        Some(received) if key.matches(&received) => Verdict::Accepted,
        _ => Verdict::Refused,
    }
}

fn password(line: &[u8]) -> Option<Vec<u8>> {
    let (scheme, rest) = line.split_at_checked(b"basic".len())?;
    if !scheme.eq_ignore_ascii_case(b"basic") || !rest.starts_with(b" ") {
        return None;
    }
    // RFC 9110 allows several blanks here, but no tabulator.
    let blanks = rest.iter().take_while(|byte| **byte == b' ').count();
    let mut decoded = STANDARD.decode(rest.get(blanks..)?).ok()?;
    let colon = decoded.iter().position(|byte| *byte == b':')?;
    Some(decoded.split_off(colon + 1))
}

#[cfg(test)]
mod tests {
    use super::password;

    #[test]
    fn only_strict_basic_credentials_are_read() {
        let table: [(&str, Option<&str>); 12] = [
            ("Basic dTpw", Some("p")),
            ("bAsIc  dTpw", Some("p")),
            ("Basic OnA=", Some("p")),
            ("Basic dTpwOnE=", Some("p:q")),
            ("Basic\tdTpw", None),
            ("Basic", None),
            ("Basic ", None),
            ("BasicdTpw", None),
            ("Basic OnA", None),
            ("Basic OnB=", None),
            ("Basic dT pw", None),
            ("Basic cA==", None),
        ];
        for (line, expected) in table {
            let expected = expected.map(|text| text.as_bytes().to_vec());
            assert_eq!(password(line.as_bytes()), expected, "{line:?}");
        }
    }
}
