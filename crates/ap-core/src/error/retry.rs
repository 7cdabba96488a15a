//! The rules for retries, as pure functions of a status and its headers.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode, header};
use jiff::Timestamp;
use jiff::fmt::{rfc2822, strtime};

/// Returns `false` for statuses by which a server says that it did not act on the request.
pub(super) fn may_have_been_applied(status: StatusCode) -> bool {
    !matches!(
        status.as_u16(),
        // RFC 9110 section 15.5, RFC 6585 sections 3 to 5, RFC 8470 section 5.2, RFC 7725 section 3. Not
        // among them: 409, 423 and 424, which may speak of the effects of an earlier request, and unknown
        // ones.
        400..=408 | 410..=417 | 421 | 422 | 425 | 426 | 428 | 429 | 431 | 451
            // RFC 9110 sections 15.6.2 and 15.6.6.
            | 501 | 505
    )
}

/// Returns `true` for statuses after which the same request may succeed without any change.
pub(super) fn is_transient(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 425 | 429 | 500 | 502 | 503 | 504)
}

/// Reads `Retry-After`: seconds, or a date less the response's own `Date` (RFC 9110 section 10.2.3).
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?;
    let text = value.to_str().ok()?.trim();
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok().map(Duration::from_secs);
    }
    let wait = http_date(value)?.duration_since(http_date(headers.get(header::DATE)?)?);
    Some(Duration::try_from(wait).unwrap_or_default())
}

/// Parses the three forms of RFC 9110 section 5.6.7.
fn http_date(value: &HeaderValue) -> Option<Timestamp> {
    let text = value.to_str().ok()?.trim();
    let obsolete = |format| strtime::parse(format, text).and_then(|parts| parts.to_datetime());
    rfc2822::DateTimeParser::new()
        .parse_timestamp(text)
        .or_else(|_| {
            obsolete("%A, %d-%b-%y %H:%M:%S GMT")
                .or_else(|_| obsolete("%a %b %e %H:%M:%S %Y"))
                .and_then(|date| jiff::tz::TimeZone::UTC.to_timestamp(date))
        })
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date_after_the_response() {
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        for (retry_after_text, date, expected) in [
            ("120", None, Some(120)),
            ("0", None, Some(0)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(date), Some(60)),
            ("Sunday, 06-Nov-94 08:50:37 GMT", Some(date), Some(60)),
            ("Sun Nov  6 08:50:37 1994", Some(date), Some(60)),
            ("Sun, 06 Nov 1994 08:40:00 GMT", Some(date), Some(0)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", None, None),
            ("soon", Some(date), None),
            ("-1", Some(date), None),
            ("", Some(date), None),
            ("99999999999999999999999", Some(date), None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, retry_after_text.parse().unwrap());
            if let Some(date) = date {
                headers.insert(header::DATE, date.parse().unwrap());
            }
            let expected = expected.map(Duration::from_secs);
            assert_eq!(
                retry_after(&headers),
                expected,
                "{retry_after_text:?} {date:?}"
            );
        }
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }
}
