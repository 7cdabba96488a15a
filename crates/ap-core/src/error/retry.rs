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

/// Reads `Retry-After`: seconds, or a date less the response's own `Date`, or less `now` without one (RFC 9110 section
/// 10.2.3). Of several, the longest counts.
pub(super) fn retry_after(headers: &HeaderMap, now: Option<Timestamp>) -> Option<Duration> {
    let date = headers.get(header::DATE).and_then(http_date).or(now);
    let values = headers.get_all(header::RETRY_AFTER).iter();
    values.filter_map(|value| wait(value, date)).max()
}

fn wait(value: &HeaderValue, date: Option<Timestamp>) -> Option<Duration> {
    if let Some(seconds) = seconds(value.to_str().ok()?.trim()) {
        return Some(Duration::from_secs(seconds));
    }
    let wait = http_date(value)?.duration_since(date?);
    Some(Duration::try_from(wait).unwrap_or_default())
}

/// Parses seconds. More than can be counted are as many as can be, and a part of a second, which some servers send, is a
/// whole one: the wait is never shorter than asked.
fn seconds(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !is_number(whole) || !is_number(part) {
        return None;
    }
    let is_more = part.bytes().any(|digit| digit != b'0');
    let whole = whole.parse().unwrap_or(u64::MAX);
    Some(whole.saturating_add(u64::from(is_more)))
}

/// Parses the three forms of RFC 9110 section 5.6.7. A date after the last one that can be counted is that one.
fn http_date(value: &HeaderValue) -> Option<Timestamp> {
    let text = value.to_str().ok()?.trim();
    let with_format = |format| strtime::parse(format, text).and_then(|parts| parts.to_datetime());
    if let Ok(date) = rfc2822::DateTimeParser::new().parse_timestamp(text) {
        return Some(date);
    }
    let date = with_format("%A, %d-%b-%y %H:%M:%S GMT")
        .or_else(|_| with_format("%a %b %e %H:%M:%S %Y"))
        .or_else(|_| with_format("%a, %d %b %Y %H:%M:%S GMT"))
        .ok()?;
    let date = jiff::tz::TimeZone::UTC.to_timestamp(date);
    Some(date.unwrap_or(Timestamp::MAX))
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
            ("1.5", None, Some(2)),
            ("2.0", None, Some(2)),
            ("1.", None, None),
            (".5", None, None),
            ("1e3", Some(date), None),
            ("99999999999999999999999", Some(date), Some(u64::MAX)),
            (
                "Fri, 31 Dec 9999 23:59:59 GMT",
                Some(date),
                Some(252_618_095_423),
            ),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, retry_after_text.parse().unwrap());
            if let Some(date) = date {
                headers.insert(header::DATE, date.parse().unwrap());
            }
            assert_eq!(
                retry_after(&headers, None).map(|wait| wait.as_secs()),
                expected,
                "{retry_after_text:?} {date:?}"
            );
        }
        assert_eq!(retry_after(&HeaderMap::new(), None), None);
        let mut several = HeaderMap::new();
        for text in ["3", "soon", "100", "7"] {
            several.append(header::RETRY_AFTER, text.parse().unwrap());
        }
        assert_eq!(retry_after(&several, None), Some(Duration::from_secs(100)));
    }
    #[test]
    fn a_date_counts_from_now_if_the_response_has_no_date_of_its_own() {
        let now = Timestamp::from_second(784_111_777).ok();
        let other = Some("Sun, 06 Nov 1994 08:50:07 GMT");
        for (text, date, expected) in [
            ("Sun, 06 Nov 1994 08:50:37 GMT", None, Some(60)),
            ("Sunday, 06-Nov-94 08:50:37 GMT", None, Some(60)),
            ("Sun Nov  6 08:50:37 1994", None, Some(60)),
            ("Sun, 06 Nov 1994 08:40:00 GMT", None, Some(0)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", other, Some(30)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some("soon"), Some(60)),
            ("7", None, Some(7)),
            ("soon", None, None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, text.parse().unwrap());
            if let Some(date) = date {
                headers.insert(header::DATE, date.parse().unwrap());
            }
            let wait = retry_after(&headers, now);
            assert_eq!(wait.map(|wait| wait.as_secs()), expected, "{text} {date:?}");
        }
    }
}
