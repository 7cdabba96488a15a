//! HTTP Basic as the vendor uses it: any user name, the key as the password.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::state::account::Key;

/// The result of checking a request's credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Credentials {
    Accepted,
    Rejected,
    /// The request has more than one `Authorization` line; to choose one would be a guess.
    Ambiguous,
}

pub(crate) fn check(headers: &HeaderMap, accepted: &Key) -> Credentials {
    let mut lines = headers.get_all(AUTHORIZATION).iter();
    let Some(line) = lines.next() else {
        return Credentials::Rejected;
    };
    if lines.next().is_some() {
        return Credentials::Ambiguous;
    }
    match password(line.as_bytes()) {
        Some(received) if accepted.matches(&received) => Credentials::Accepted,
        _ => Credentials::Rejected,
    }
}

fn password(line: &[u8]) -> Option<Vec<u8>> {
    let (scheme, rest) = line.split_at_checked(b"basic".len())?;
    if !scheme.eq_ignore_ascii_case(b"basic") || !rest.starts_with(b" ") {
        return None;
    }
    // RFC 9110 allows several spaces here, but no tab.
    let spaces = rest.iter().take_while(|byte| **byte == b' ').count();
    let mut decoded = STANDARD.decode(rest.get(spaces..)?).ok()?;
    let colon = decoded.iter().position(|byte| *byte == b':')?;
    Some(decoded.split_off(colon + 1))
}

#[cfg(test)]
mod tests {
    use super::password;

    #[test]
    fn only_strict_basic_credentials_have_a_password() {
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
