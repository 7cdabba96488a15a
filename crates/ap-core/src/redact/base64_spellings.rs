//! How a text looks inside of base64, whatever stands around it there.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::zeroize::Zeroizing;

/// Returns what is in the base64 of any text that contains this one.
///
/// Three bytes are encoded together, so there are three spellings. Characters that depend on what is around the text are
/// left out.
///
/// ```
/// use ap_core::redact::inside_base64;
///
/// let spellings: Vec<_> = inside_base64(b"example-key").collect();
/// // The base64 of `API:example-key`.
/// assert!(spellings.iter().any(|one| b"QVBJOmV4YW1wbGUta2V5".windows(one.len()).any(|part| part == one)));
/// ```
pub fn inside_base64(text: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..3).map(move |before: usize| {
        let padded = Zeroizing::new([&vec![0; before], text].concat());
        let encoded = Zeroizing::new(STANDARD.encode(&*padded));
        let start = (before * 8).div_ceil(6);
        let end = padded.len() * 8 / 6;
        encoded
            .as_bytes()
            .get(start..end)
            .unwrap_or_default()
            .to_vec()
    })
}

/// Returns base64 in the alphabet of RFC 4648 section 5.
///
/// ```
/// assert_eq!(ap_core::redact::url_safe_base64(b"a+/b"), b"a-_b");
/// ```
#[must_use]
pub fn url_safe_base64(encoded: &[u8]) -> Vec<u8> {
    let spell = |byte: &u8| match byte {
        b'+' => b'-',
        b'/' => b'_',
        other => *other,
    };
    encoded.iter().map(spell).collect()
}
