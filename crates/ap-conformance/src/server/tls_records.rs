//! [`RecordScanner`]: finds the records in the bytes of a TLS connection, and says what each is.

use rustls::{AlertDescription, ContentType, HandshakeType};

/// The length of a record's header: its type, a version and the length of its content (RFC 8446 section 5.1).
const HEADER: usize = 5;

/// What is kept of a record: its header, and the type and length of a handshake message.
const KEPT: usize = HEADER + 4;

/// The length of an alert that is not encrypted, with its header.
const ALERT: usize = HEADER + 2;

/// Finds the records in one direction of a TLS connection. It reads headers and types, and decrypts nothing.
#[derive(Default)]
pub(super) struct RecordScanner {
    /// The start of the present record.
    start: Vec<u8>,
    /// How many bytes of it there were so far.
    seen: usize,
    /// The handshake continues in records that are encrypted.
    is_encrypted: bool,
    /// There was something else than a record, so what follows is not known.
    is_lost: bool,
}

impl RecordScanner {
    /// Reads the next bytes, and passes on what each record is that ends in them, with its length.
    pub(super) fn read(&mut self, mut bytes: &[u8], mut found: impl FnMut(String, usize)) {
        while !bytes.is_empty() && !self.is_lost {
            let wanted = self.length().unwrap_or(HEADER) - self.seen;
            let (part, rest) = bytes.split_at(wanted.min(bytes.len()));
            let room = (KEPT - self.start.len()).min(part.len());
            self.start.extend_from_slice(&part[..room]);
            self.seen += part.len();
            bytes = rest;
            self.is_lost = !self.begins_record();
            if self.length() == Some(self.seen) && !self.is_lost {
                found(self.in_words(), self.seen);
                self.is_encrypted |= self.content_type() == Some(ContentType::ChangeCipherSpec);
                (self.start, self.seen) = (Vec::new(), 0);
            }
        }
    }

    /// Returns `true` if so far this can be a record: a known type, and the first byte of each version.
    fn begins_record(&self) -> bool {
        matches!(self.start[..], [] | [20..=23] | [20..=23, 3, ..])
    }

    /// Returns the length of the record with its header, if that is known.
    fn length(&self) -> Option<usize> {
        let length = self.start.get(3..HEADER)?;
        Some(HEADER + number(length))
    }

    fn content_type(&self) -> Option<ContentType> {
        self.start.first().copied().map(ContentType::from)
    }

    fn in_words(&self) -> String {
        let content = self.start.get(HEADER..).unwrap_or_default();
        match (self.content_type(), content) {
            (Some(ContentType::Alert), [_, description, ..]) if self.seen == ALERT => {
                format!("alert, {:?}", AlertDescription::from(*description))
            }
            (Some(ContentType::Alert), _) => "alert, encrypted".to_owned(),
            (Some(ContentType::Handshake), [message, length @ ..]) => {
                // A second hello comes after the change of ciphers, and is not encrypted.
                let is_whole = HEADER + 4 + number(length) == self.seen;
                match self.is_encrypted && !is_whole {
                    true => "handshake, encrypted".to_owned(),
                    false => format!("handshake, {:?}", HandshakeType::from(*message)),
                }
            }
            (Some(ContentType::ApplicationData), _) => "application data".to_owned(),
            (Some(other), _) => format!("{other:?}"),
            (None, _) => String::new(),
        }
    }
}

/// Returns what the TLS records are that bytes begin with, if they do.
pub(crate) fn tls_records_in_words(bytes: &[u8]) -> Option<String> {
    let mut records = Vec::new();
    RecordScanner::default().read(bytes, |record, _| records.push(record));
    records.dedup();
    (!records.is_empty()).then(|| format!("TLS {}", records.join("; ")))
}

/// Returns a number from its bytes, the highest first.
fn number(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .fold(0, |number, byte| number << 8 | usize::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hello of six bytes, a change of ciphers, an encrypted `Finished`, an alert with a key in what follows.
    const RECORDS: &[u8] = b"\x16\x03\x01\x00\x06\x01\x00\x00\x02\x03\x03\
        \x14\x03\x03\x00\x01\x01\
        \x16\x03\x03\x00\x05\x9a\x00\x00\x00\x00\
        \x16\x03\x03\x00\x06\x01\x00\x00\x02\x03\x03\
        \x15\x03\x03\x00\x02\x02\x28\
        \x15\x03\x03\x00\x03\x9a\x9a\x9a\
        \x17\x03\x03\x00\x00\
        GET /flows";

    fn scan<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<(String, usize)> {
        let (mut scanner, mut all) = (RecordScanner::default(), Vec::new());
        for piece in pieces {
            scanner.read(piece, |record, length| all.push((record, length)));
        }
        all
    }

    #[test]
    fn each_record_is_named_however_the_bytes_arrive() {
        let expected = [
            ("handshake, ClientHello", 11),
            ("ChangeCipherSpec", 6),
            ("handshake, encrypted", 10),
            ("handshake, ClientHello", 11),
            ("alert, HandshakeFailure", 7),
            ("alert, encrypted", 8),
            ("application data", 5),
        ]
        .map(|(record, length)| (record.to_owned(), length));
        for size in 1..=RECORDS.len() {
            assert_eq!(scan(RECORDS.chunks(size)), expected, "{size}");
        }
    }

    #[test]
    fn bytes_that_are_no_records_have_no_words() {
        assert_eq!(tls_records_in_words(b"GET /flows HTTP/1.1\r\n\r\n"), None);
        assert_eq!(tls_records_in_words(b"\x16\x02\x00\x00\x01\x01"), None);
        assert_eq!(tls_records_in_words(b""), None);
        assert_eq!(
            tls_records_in_words(b"\x15\x03\x03\x00\x02\x02\x28").as_deref(),
            Some("TLS alert, HandshakeFailure")
        );
    }
}
