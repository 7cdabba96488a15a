//! Whether a server's text repeats a key, in a spelling that someone could read back.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::zeroize::Zeroizing;

use crate::credentials::Credentials;

/// So many bytes of a key in a row count as the key.
const WINDOW: usize = 8;

/// Whether a text holds [`WINDOW`] bytes in a row (or all, where there are fewer) of the key, of its
/// base64 or of that of the user and key pair, forwards or backwards.
pub(crate) fn repeats(text: &str, credentials: &Credentials) -> bool {
    let pair = credentials
        .authorization()
        .as_bytes()
        .strip_prefix(b"Basic ")
        .unwrap_or_default();
    let key = credentials.key().expose().as_bytes();
    let encoded = Zeroizing::new(STANDARD.encode(key));
    [key, encoded.as_bytes(), pair]
        .into_iter()
        .any(|secret| repeats_part(text, secret))
}

/// The same of one spelling alone, which is not empty.
pub(crate) fn repeats_part(text: &str, secret: &[u8]) -> bool {
    let width = WINDOW.min(secret.len());
    secret.windows(width).any(|window| {
        let forwards = text.as_bytes().windows(width);
        forwards.clone().any(|seen| seen == window)
            || forwards.clone().any(|seen| seen.iter().rev().eq(window))
    })
}

#[cfg(test)]
mod tests {
    use super::repeats;
    use crate::{ApiKey, Credentials};

    #[test]
    fn every_window_of_every_spelling_is_found() {
        let key = "placeholder-key-0123";
        let credentials = Credentials::new(ApiKey::parse(key).unwrap());
        let encoded = credentials.authorization().to_str().unwrap()["Basic ".len()..].to_owned();
        for secret in [key, &encoded] {
            for at in 0..=secret.len() - 8 {
                let part = &secret[at..at + 8];
                let backwards: String = part.chars().rev().collect();
                assert!(repeats(&format!("say {part}!"), &credentials), "{at}");
                assert!(repeats(&format!("say {backwards}!"), &credentials), "{at}");
            }
        }
        assert!(!repeats("authentication failed", &credentials));
        assert!(!repeats("placeho der-key", &credentials));
    }
}
