//! Reading the time of an item. The vendor reads many forms and advises ISO 8601.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::{rfc2822, strtime};
use jiff::tz::TimeZone;

/// Parses a time: ISO 8601, also with a space or without a zone, a date alone, `2018-10-08 11:01:32 +0000` as in the
/// files that the vendor imports, and RFC 2822. Without a zone, it is UTC.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(at) = text.parse() {
        return Some(at);
    }
    if let Ok(at) =
        strtime::parse("%Y-%m-%d %H:%M:%S %z", text).and_then(|time| time.to_timestamp())
    {
        return Some(at);
    }
    if let Ok(at) = rfc2822::parse(text) {
        return Some(at.timestamp());
    }
    let at: DateTime = text.strip_suffix(" Z").unwrap_or(text).parse().ok()?;
    TimeZone::UTC.to_timestamp(at).ok()
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn the_usual_forms_of_a_time_are_read() {
        let expected = parse("2018-10-08T11:01:32Z");
        assert!(expected.is_some());
        for text in [
            "2018-10-08T11:01:32+00:00",
            "2018-10-08T13:01:32+02:00",
            "2018-10-08 11:01:32Z",
            "2018-10-08 11:01:32 Z",
            "2018-10-08 13:01:32 +0200",
            "2018-10-08T11:01:32",
            " 2018-10-08 11:01:32 ",
            "Mon, 8 Oct 2018 11:01:32 +0000",
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
        assert_eq!(parse("2018-10-08"), parse("2018-10-08T00:00:00Z"));
        for text in ["", "yesterday", "2018-13-08", "1538996492", "11:01"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
