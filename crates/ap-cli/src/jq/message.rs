//! [`Message`]: what the process of a filter says to the one that prints the results.

use std::io::{self, Read, Write};

/// A part of what a filter makes of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// The JSON of a value that is no string.
    Json(Vec<u8>),
    /// A string, as it is.
    Text(Vec<u8>),
    /// The filter failed on the answer, for this reason.
    Failed(Vec<u8>),
    /// There is no more. Without this, the process ended early.
    End,
}

impl Message {
    /// Writes it: a letter, the length, and the content.
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let (letter, content) = match self {
            Self::Json(json) => (b'j', json.as_slice()),
            Self::Text(text) => (b't', text.as_slice()),
            Self::Failed(reason) => (b'f', reason.as_slice()),
            Self::End => (b'e', b"".as_slice()),
        };
        let length = (content.len() as u64).to_le_bytes();
        out.write_all(&[&[letter][..], &length, content].concat())?;
        out.flush()
    }

    /// Reads the next one.
    pub(super) fn read(input: &mut impl Read) -> io::Result<Self> {
        let (mut letter, mut length) = ([0], [0; 8]);
        input.read_exact(&mut letter)?;
        input.read_exact(&mut length)?;
        let length = u64::from_le_bytes(length);
        let mut content = Vec::new();
        input.take(length).read_to_end(&mut content)?;
        if content.len() as u64 != length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match letter {
            [b'j'] => Ok(Self::Json(content)),
            [b't'] => Ok(Self::Text(content)),
            [b'f'] => Ok(Self::Failed(content)),
            [b'e'] => Ok(Self::End),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Message;

    #[test]
    fn messages_are_read_as_they_were_written_or_not_at_all() {
        let all = [
            Message::Json(b"[1]".to_vec()),
            Message::Text(Vec::new()),
            Message::Failed(b"a reason".to_vec()),
            Message::End,
        ];
        let mut written = Vec::new();
        for message in &all {
            message.write(&mut written).unwrap();
        }
        let mut rest = written.as_slice();
        for message in &all {
            assert_eq!(Message::read(&mut rest).unwrap(), *message);
        }
        for cut in [0, 1, 5, 10] {
            assert!(Message::read(&mut &written[..cut]).is_err(), "{cut}");
        }
    }
}
