//! How long a server asks to wait.

use std::time::{Duration, SystemTime};

use activeprospect::Error;
use activeprospect::http::{HeaderMap, header};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

/// Returns how long the server asks to wait (`Retry-After`, RFC 9110 section 10.2.3): seconds, or a date.
///
/// The library counts a date from the response's own `Date`, because it has no clock. Here is one.
pub(crate) fn of(error: &Error) -> Option<Duration> {
    let by_date = || until_date(error.response()?.headers(), SystemTime::now());
    error.retry_after().or_else(by_date)
}

fn until_date(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let date = DateTimeParser::new().parse_timestamp(text).ok()?;
    let wait = date.duration_since(Timestamp::try_from(now).ok()?);
    Some(Duration::try_from(wait).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_counts_from_now_where_the_server_has_no_clock() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        for (text, seconds) in [
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sun, 06 Nov 1994 08:40:00 GMT", Some(0)),
            ("soon", None),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, text.parse().unwrap());
            let wait = until_date(&headers, now);
            assert_eq!(wait, seconds.map(Duration::from_secs), "{text}");
        }
        assert_eq!(until_date(&HeaderMap::new(), now), None);
    }
}
