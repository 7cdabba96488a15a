//! [`SECRET_NAMES`]: which members, parameters and headers have a secret for a value.

/// A rule for names whose values are secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SecretName {
    /// The name, or its end: lower-case letters and digits alone.
    pub text: &'static str,
    /// `true` if longer names that end like this are secret too.
    pub is_ending: bool,
    /// The source of this rule, or an example of what it is for.
    pub source: &'static str,
}

const fn ending(text: &'static str, source: &'static str) -> SecretName {
    SecretName {
        text,
        is_ending: true,
        source,
    }
}

const fn whole(text: &'static str, source: &'static str) -> SecretName {
    SecretName {
        text,
        is_ending: false,
        source,
    }
}

/// The rule for names of API keys.
const API_KEY: &str = "apikey";

/// Every name whose value is a secret. [`is_secret_name`] compares with them.
///
/// To add one, add a row here with its source.
pub const SECRET_NAMES: &[SecretName] = &[
    ending(
        API_KEY,
        "LeadConduit's OpenAPI description: api_key, keen_read_api_key, keen_write_api_key",
    ),
    ending(
        "password",
        "LeadConduit's OpenAPI description, UserCredential",
    ),
    ending(
        "token",
        "LeadConduit's OpenAPI description: credentials, and the links to shared reports; shared_token of TrustedForm's share_url",
    ),
    ending("secret", "OAuth: client_secret"),
    ending(
        "jwt",
        "LeadConduit's OpenAPI description, AuthenticatedUser: zendesk_jwt",
    ),
    ending("accesskey", "LeadConduit, /firehose: secret_access_key"),
    ending(
        "connectionstring",
        "LeadConduit, /firehose to Azure: connection_string",
    ),
    whole(
        "integrationiconurl",
        "LeadConduit's OpenAPI description, Destination: a pre-signed link",
    ),
    whole(
        "webhookurl",
        "LeadConduit's OpenAPI description, Destination: a link that anybody may call",
    ),
    ending(
        "signature",
        "pre-signed links: X-Amz-Signature, X-Goog-Signature, Signature",
    ),
    whole("sig", "pre-signed links of Azure"),
    ending(
        "authorization",
        "headers of the requests that LeadConduit's events show",
    ),
    ending("cookie", "headers: Cookie, Set-Cookie"),
    ending("privatekey", "credentials of other services"),
    ending("passphrase", "credentials of other services"),
    ending("passwd", "credentials of other services"),
    ending("pwd", "connection strings and databases: pwd, db_pwd"),
    ending("passcode", "credentials of other services"),
    whole("bearer", "what an Authorization header has"),
    whole("basicauth", "a user and a password: basic_auth"),
    whole("otp", "one-time passwords"),
    whole("totp", "one-time passwords"),
    whole(
        "session",
        "sessions of users: anyone who has one is logged in",
    ),
    whole("sessionid", "the same: session_id, sessionId"),
    whole("jsessionid", "the session cookie of Java servers"),
    ending("sessid", "the session cookie of PHP: PHPSESSID"),
    ending("sshkey", "credentials of SFTP servers: ssh_key"),
    ending(
        "scopedkey",
        "Keen, whose other keys LeadConduit returns: keen_scoped_key",
    ),
    ending("readkey", "Keen: read_key"),
    ending("writekey", "Keen and Segment: write_key"),
    ending("masterkey", "Keen: master_key"),
    ending("secretkey", "credentials of other services: aws_secret_key"),
    ending("signingkey", "credentials of other services"),
    ending("encryptionkey", "credentials of other services"),
    ending("sharedkey", "credentials of other services"),
    ending("authkey", "credentials of other services"),
    ending("accountkey", "Azure: AccountKey"),
    ending("subscriptionkey", "Azure: Ocp-Apim-Subscription-Key"),
];

/// Returns `true` if the value of a member, a parameter or a header with this name is a secret.
///
/// Upper and lower case, separators and a plural make no difference: `apiKey`, `X-Api-Key` and `api_keys` are
/// one name.
///
/// ```
/// use ap_core::redact::is_secret_name;
///
/// assert!(is_secret_name("keen_write_api_key"));
/// assert!(is_secret_name("accessToken"));
/// assert!(is_secret_name("X-Amz-Signature"));
/// assert!(!is_secret_name("credential_id"));
/// ```
#[must_use]
pub fn is_secret_name(name: impl AsRef<[u8]>) -> bool {
    find_rule(name.as_ref()).is_some()
}

/// Returns `true` if the value of a member or a header with this name is an API key.
///
/// ```
/// use ap_core::redact::is_api_key_name;
///
/// assert!(is_api_key_name("api_key"));
/// assert!(is_api_key_name("X-Api-Key"));
/// assert!(!is_api_key_name("access_token"));
/// ```
#[must_use]
pub fn is_api_key_name(name: impl AsRef<[u8]>) -> bool {
    // Its rule without the others, because every member and header is compared.
    let letters = letters_from_right(name.as_ref());
    let mut singular = letters.clone();
    ends_like_api_key(letters) || singular.next() == Some(b's') && ends_like_api_key(singular)
}

fn ends_like_api_key(letters: impl Iterator<Item = u8>) -> bool {
    API_KEY.bytes().rev().eq(letters.take(API_KEY.len()))
}

/// Returns the letters and digits of a name in lower case, from the right.
fn letters_from_right(name: &[u8]) -> impl Iterator<Item = u8> + Clone {
    let bytes = name.iter().rev();
    let letters = bytes.filter(|byte| byte.is_ascii_alphanumeric());
    letters.map(u8::to_ascii_lowercase)
}

fn find_rule(name: &[u8]) -> Option<&'static SecretName> {
    let letters = letters_from_right(name);
    // Few names end like one of the rules.
    if !may_be_secret(letters.clone()) {
        return None;
    }
    // The end of the name, from the right; one byte more than the longest rule.
    let mut end = [0; MAX_RULE + 1];
    let mut start = end.len();
    for byte in letters.take(MAX_RULE + 1) {
        start -= 1;
        end[start] = byte;
    }
    let name = &end[start..];
    let singular = name.strip_suffix(b"s").unwrap_or_default();
    SECRET_NAMES.iter().find(|rule| {
        let text = rule.text.as_bytes();
        let is_like = |name: &[u8]| {
            // The last letter first: most names differ in it.
            name.last() == text.last()
                && name.ends_with(text)
                && (rule.is_ending || name.len() == text.len())
        };
        is_like(name) || is_like(singular)
    })
}

/// Returns `false` if no rule, and no plural of one, has the same three letters at its end. The letters are those of a
/// name, from the right.
fn may_be_secret(mut letters: impl Iterator<Item = u8>) -> bool {
    let mut next = || letters.next().unwrap_or_default();
    let (last, middle, first) = (next(), next(), next());
    is_end([first, middle, last]) || last == b's' && is_end([next(), first, middle])
}

fn is_end([first, middle, last]: [u8; 3]) -> bool {
    ENDS[place(last)][place(middle)] & 1 << place(first) != 0
}

/// For the last letter of rules and the one before it, the letters before both. Every rule has three.
static ENDS: [[u32; 32]; 32] = {
    let mut ends = [[0; 32]; 32];
    let mut index = 0;
    while index < SECRET_NAMES.len() {
        if let [.., first, middle, last] = SECRET_NAMES[index].text.as_bytes() {
            ends[place(*last)][place(*middle)] |= 1 << place(*first);
        }
        index += 1;
    }
    ends
};

/// Returns the place of a lower-case letter among 32; digits share those of letters.
const fn place(letter: u8) -> usize {
    (letter & 31) as usize
}

/// The length of the longest rule's text, and of its plural.
const MAX_RULE: usize = 24;

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    #[test]
    fn the_secrets_of_the_vendors_descriptions_are_known_by_name() {
        for name in [
            "api_key",
            "keen_read_api_key",
            "keen_write_api_key",
            "zendesk_jwt",
            "password",
            "token",
            "access_token",
            "refresh_token",
            "integration_icon_url",
            "webhook_url",
            "secret_access_key",
            "connection_string",
            "shared_token",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "",
            "s",
            "id",
            "key",
            "keys",
            "sso_id",
            "keen_project_id",
            "access_key_id",
            "credential",
            "credential_id",
            "credential_updated",
            "token_type",
            "password_hint_url",
            "logo_url",
            "share_url",
            "design",
            "signed_at",
            "authentication_required",
            "masked_cert_url",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn what_other_services_call_their_secrets_is_known_and_fields_of_leads_are_not() {
        for name in [
            "pwd",
            "db_pwd",
            "bearer",
            "session",
            "session_id",
            "sessionid",
            "sessionId",
            "PHPSESSID",
            "JSESSIONID",
            "otp",
            "ssh_key",
            "keen_scoped_key",
            "private_key",
            "ssh_private_key",
            "client_secret",
            "aws_secret_key",
            "read_key",
            "writeKey",
            "signing_key",
            "Ocp-Apim-Subscription-Key",
            "basic_auth",
            "passcode",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "pin",
            "session_length",
            "session_count",
            "session_started_at",
            "ga_session_id",
            "last_session",
            "credentials",
            "pass",
            "sid",
            "account_sid",
            "primary_key",
            "foreign_key",
            "sort_key",
            "ssh_public_key",
            "public_key",
            "password_length",
            "otp_verified",
            "bearer_name",
            "region",
            "monkey",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn spelling_and_number_make_no_difference() {
        for name in [
            "apiKey",
            "APIKEY",
            "X-Api-Key",
            "api.key",
            "API keys",
            "user[password]",
            "client_secrets",
            "Set-Cookie",
            "X-Amz-Security-Token",
            "sig",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn each_rule_has_a_text_that_can_match_and_a_source() {
        for rule in SECRET_NAMES {
            assert!(rule.text.len() < MAX_RULE, "{}", rule.text);
            assert!(is_secret_name(rule.text), "{}", rule.text);
            assert!(is_secret_name(format!("{}s", rule.text)), "{}", rule.text);
            assert_eq!(is_secret_name(format!("x_{}", rule.text)), rule.is_ending);
            assert!(!rule.source.is_empty(), "{}", rule.text);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_names_of_api_keys_are_those_of_their_rule(
            pieces in vec(select(vec!["x", "api", "API", "key", "Key", "s", "S", "_", "-", "token", "\u{fc}"]), 0..6)
        ) {
            let name = pieces.concat();
            let is_of_rule = find_rule(name.as_bytes()).is_some_and(|rule| rule.text == API_KEY);
            prop_assert_eq!(is_api_key_name(&name), is_of_rule, "{}", name);
        }
    }
}
