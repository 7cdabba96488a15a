//! Reads root certificates from PEM texts (RFC 7468). Nothing in a text is left out silently.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::CertificateDer;

/// UTF-8's byte-order mark, which some editors put before a text.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// The shortest line outside a certificate that counts as a part of one, if it is base64. PEM lines have 64
/// characters.
const MIN_STRAY_LINE: usize = 60;

/// Reads the certificates of a PEM text, and adds them to those of the texts before.
///
/// Text between certificates is allowed, as RFC 7468 section 2 says. The error says which certificate cannot be
/// read, counted from 1 over all texts, and why.
pub(super) fn read(pem: &[u8], roots: &mut Vec<CertificateDer<'static>>) -> Result<(), String> {
    let before = roots.len();
    let mut open: Option<OpenCertificate<'_>> = None;
    for (index, line) in lines(pem).enumerate() {
        let number = index + 1;
        let line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
        let line = line.trim_ascii();
        match (Line::parse(line), &mut open) {
            (Line::Begin(label), None) => {
                let certificate = OpenCertificate {
                    label,
                    number: roots.len() + 1,
                    line: number,
                    base64: Vec::new(),
                };
                certificate.check_label()?;
                open = Some(certificate);
            }
            (Line::End(label), Some(certificate)) if label == certificate.label => {
                roots.push(certificate.decode()?);
                open = None;
            }
            (Line::Begin(_) | Line::End(_), Some(certificate)) => {
                return Err(certificate.without_end());
            }
            (Line::Text, Some(certificate)) => certificate.base64.extend_from_slice(line),
            (Line::Text, None) if is_stray_base64(line) => {
                return Err(format!(
                    "line {number} is a part of a certificate without -----BEGIN CERTIFICATE-----"
                ));
            }
            (Line::Text, None) => {}
            (Line::End(_), None) => {
                return Err(format!("line {number} ends what has not begun"));
            }
            (Line::Damaged, _) => {
                return Err(format!(
                    "line {number} is neither -----BEGIN CERTIFICATE----- nor -----END CERTIFICATE-----"
                ));
            }
        }
    }
    match open {
        Some(certificate) => Err(certificate.without_end()),
        None if roots.len() == before => Err(no_certificate(pem).to_owned()),
        None => Ok(()),
    }
}

/// Splits a text at line feeds; at carriage returns if it has no line feed.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let line_break = if text.contains(&b'\n') { b'\n' } else { b'\r' };
    text.split(move |&byte| byte == line_break)
}

/// A certificate whose end has not come yet.
struct OpenCertificate<'a> {
    label: &'a [u8],
    /// Counted from 1.
    number: usize,
    /// The line where it begins, counted from 1.
    line: usize,
    base64: Vec<u8>,
}

impl OpenCertificate<'_> {
    fn decode(&self) -> Result<CertificateDer<'static>, String> {
        let base64: Vec<u8> = self
            .base64
            .iter()
            .copied()
            .filter(|byte| !byte.is_ascii_whitespace())
            .collect();
        let der = STANDARD
            .decode(base64)
            .map_err(|_| self.invalid("is not valid base64"))?;
        let certificate = CertificateDer::from(der);
        match webpki::anchor_from_trusted_cert(&certificate) {
            Ok(_) => Ok(certificate),
            Err(_) => Err(self.invalid("is not a valid X.509 certificate")),
        }
    }

    /// Refuses everything but a certificate.
    fn check_label(&self) -> Result<(), String> {
        let line = self.line;
        match self.label {
            // RFC 7468 section 5.1 lets a reader accept the second, an old name of the first.
            b"CERTIFICATE" | b"X509 CERTIFICATE" => Ok(()),
            b"TRUSTED CERTIFICATE" => Err(self.invalid(
                "is a TRUSTED CERTIFICATE, a form of OpenSSL's; convert it with `openssl x509`",
            )),
            label if label.ends_with(b"PRIVATE KEY") => Err(format!(
                "line {line} begins a private key, which is no root certificate; remove it"
            )),
            label => {
                let is_plain =
                    |byte: &u8| byte.is_ascii_uppercase() || b" .0123456789".contains(byte);
                let name = match std::str::from_utf8(label) {
                    Ok(name) if name.len() <= 40 && label.iter().all(is_plain) => name,
                    _ => "something",
                };
                Err(format!(
                    "line {line} begins {name}, which is no root certificate; remove it"
                ))
            }
        }
    }

    fn without_end(&self) -> String {
        self.invalid("does not end with -----END CERTIFICATE-----")
    }

    fn invalid(&self, what: &str) -> String {
        format!(
            "root certificate {}, which begins on line {}, {what}",
            self.number, self.line
        )
    }
}

/// A line of a PEM text.
enum Line<'a> {
    /// The label between `-----BEGIN ` and `-----`.
    Begin(&'a [u8]),
    /// The label between `-----END ` and `-----`.
    End(&'a [u8]),
    /// Meant as one of the two, but not valid.
    Damaged,
    Text,
}

impl<'a> Line<'a> {
    fn parse(line: &'a [u8]) -> Self {
        // A whole certificate on one line has more dashes.
        let is_label = |label: &&[u8]| !label.windows(2).any(|two| two == b"--");
        let label = |begin: &[u8]| {
            let label = line.strip_prefix(begin)?.strip_suffix(b"-----");
            label.filter(is_label)
        };
        if let Some(label) = label(b"-----BEGIN ") {
            return Self::Begin(label);
        }
        if let Some(label) = label(b"-----END ") {
            return Self::End(label);
        }
        let upper = line.to_ascii_uppercase();
        let contains = |part: &[u8]| upper.windows(part.len()).any(|window| window == part);
        let has_marker = contains(b"BEGIN CERT") || contains(b"END CERT");
        let has_dashes = contains(b"--") && (contains(b"BEGIN ") || contains(b"END "));
        if has_marker || has_dashes {
            Self::Damaged
        } else {
            Self::Text
        }
    }
}

/// Returns `true` for a line of base64 that is no underline of a title, and no fingerprint in hexadecimal.
fn is_stray_base64(line: &[u8]) -> bool {
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/".contains(byte);
    let data = line.strip_suffix(b"=").unwrap_or(line);
    let data = data.strip_suffix(b"=").unwrap_or(data);
    line.len() >= MIN_STRAY_LINE
        && data.iter().all(is_base64)
        && !data.iter().all(u8::is_ascii_hexdigit)
}

/// Says what a text without a certificate is.
fn no_certificate(text: &[u8]) -> &'static str {
    match text {
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] | [_, 0, ..] | [0, ..] => {
            "the root certificates are UTF-16 text; save them as UTF-8"
        }
        // A sequence of ASN.1 with a length of two bytes or more.
        [0x30, 0x81..=0x84, ..] => {
            "the root certificates are binary (DER or PKCS #12), not PEM; convert them"
        }
        _ => "the root certificates contain no -----BEGIN CERTIFICATE-----",
    }
}
