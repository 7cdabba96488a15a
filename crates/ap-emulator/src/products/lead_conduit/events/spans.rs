//! Spans of time: time zones, intervals and named timeframes.

use jiff::tz::{Offset, TimeZone};
use jiff::{Span, Timestamp, ToSpan, ZonedDateTime};
use serde::Deserialize;

use crate::products::lead_conduit::query::time;
use crate::products::lead_conduit::resource::Refusal;

/// The most parts that a span is divided into.
const MAX_PARTS: usize = 10_000;

/// Milliseconds since 1970, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Milliseconds {
    pub(super) start: i64,
    pub(super) end: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interval {
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
}

const INTERVALS: [(&str, &str, Interval); 6] = [
    ("minutely", "minute", Interval::Minute),
    ("hourly", "hour", Interval::Hour),
    ("daily", "day", Interval::Day),
    ("weekly", "week", Interval::Week),
    ("monthly", "month", Interval::Month),
    ("yearly", "year", Interval::Year),
];

impl Interval {
    /// Parses a name, or JSON with `name` and `units`.
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        #[derive(Deserialize)]
        struct Named {
            name: Option<String>,
            units: Option<String>,
        }
        let named: Option<Named> = serde_json::from_str(text).ok();
        let (name, units) = match named {
            Some(named) => (named.name, named.units),
            None => (Some(text.to_owned()), None),
        };
        let name = name.and_then(|name| by_name(&name, |(adverb, ..)| adverb));
        let units =
            units.and_then(|units| by_name(units.trim_end_matches('s'), |(_, unit, _)| unit));
        name.or(units).ok_or_else(|| {
            let names = INTERVALS.map(|(adverb, ..)| adverb).join(", ");
            Refusal::bad_request(format!("interval is not one of {names}"))
        })
    }

    fn add(self, to: &ZonedDateTime, count: i64) -> Option<ZonedDateTime> {
        let span = match self {
            Self::Minute => Span::new().try_minutes(count),
            Self::Hour => Span::new().try_hours(count),
            Self::Day => Span::new().try_days(count),
            Self::Week => Span::new().try_weeks(count),
            Self::Month => Span::new().try_months(count),
            Self::Year => Span::new().try_years(count),
        };
        to.checked_add(span.ok()?).ok()
    }

    /// Returns the start of the interval that `at` is in. Weeks begin on Sunday.
    fn floor(self, at: &ZonedDateTime) -> Option<ZonedDateTime> {
        let day = at.start_of_day().ok()?;
        match self {
            Self::Minute => at.with().second(0).subsec_nanosecond(0).build().ok(),
            Self::Hour => at
                .with()
                .minute(0)
                .second(0)
                .subsec_nanosecond(0)
                .build()
                .ok(),
            Self::Day => Some(day),
            Self::Week => {
                let days = i64::from(day.weekday().to_sunday_zero_offset());
                day.checked_sub(days.days()).ok()?.start_of_day().ok()
            }
            Self::Month => day.first_of_month().ok()?.start_of_day().ok(),
            Self::Year => day.first_of_year().ok()?.start_of_day().ok(),
        }
    }
}

fn by_name(
    name: &str,
    of: impl Fn((&'static str, &'static str, Interval)) -> &'static str,
) -> Option<Interval> {
    let mut known = INTERVALS.into_iter();
    known
        .find(|row| of(*row) == name)
        .map(|(_, _, interval)| interval)
}

/// Returns a zone by its name or by its offset in seconds; UTC without either.
pub(super) fn zone(text: Option<&str>) -> Result<TimeZone, Refusal> {
    let Some(text) = text else {
        return Ok(TimeZone::UTC);
    };
    let offset = text.parse::<i32>().ok();
    let zone = match offset {
        Some(seconds) => Offset::from_seconds(seconds).map(TimeZone::fixed),
        // The vendor's own example has a space in a name.
        None => TimeZone::get(&text.replace(' ', "_")),
    };
    zone.map_err(|_| Refusal::bad_request("timezone is neither a known name, for example America/Chicago, nor an offset in seconds"))
}

pub(super) fn today(zone: &TimeZone) -> Result<Milliseconds, Refusal> {
    timeframe("today", zone)
}

/// Returns the span of a named timeframe, for example `today`, `this_14_days` or `previous_month`; or of JSON
/// with `start` and `end`.
pub(super) fn timeframe(text: &str, zone: &TimeZone) -> Result<Milliseconds, Refusal> {
    #[derive(Deserialize)]
    struct Bounds {
        start: String,
        end: String,
    }
    if let Ok(bounds) = serde_json::from_str::<Bounds>(text) {
        return Ok(Milliseconds {
            start: time("start", &bounds.start)?.as_millisecond(),
            end: time("end", &bounds.end)?.as_millisecond(),
        });
    }
    let now = Timestamp::now().to_zoned_datetime(zone.clone());
    named(text, &now).ok_or_else(|| {
        Refusal::bad_request("timeframe is neither a name, for example today or this_14_days, nor JSON with start and end")
    })
}

/// `this` includes the current unit, `previous` ends before it.
fn named(name: &str, now: &ZonedDateTime) -> Option<Milliseconds> {
    let name = match name {
        "today" => "this_1_days",
        "yesterday" => "previous_1_days",
        name => name,
    };
    let (is_previous, rest) = match name.split_once('_')? {
        ("this", rest) => (false, rest),
        ("previous", rest) => (true, rest),
        _ => return None,
    };
    let (count, unit) = rest.split_once('_').unwrap_or(("1", rest));
    let count = count
        .parse::<i64>()
        .ok()
        .filter(|count| (1..=100_000).contains(count))?;
    let unit = by_name(unit.trim_end_matches('s'), |(_, unit, _)| unit)?;
    let begun = unit.floor(now)?;
    let (start, end) = match is_previous {
        true => (unit.add(&begun, -count)?, begun),
        false => (unit.add(&begun, 1 - count)?, unit.add(&begun, 1)?),
    };
    Some(Milliseconds {
        start: start.timestamp().as_millisecond(),
        end: end.timestamp().as_millisecond() - 1,
    })
}

/// Divides a span where intervals begin.
pub(super) fn parts(
    whole: Milliseconds,
    interval: Option<Interval>,
    zone: &TimeZone,
) -> Result<Vec<Milliseconds>, Refusal> {
    let Some(interval) = interval else {
        return Ok(vec![whole]);
    };
    let refusal =
        || Refusal::bad_request("the span of time cannot be divided into these intervals");
    let at = Timestamp::from_millisecond(whole.start).map_err(|_| refusal())?;
    let mut begun = interval
        .floor(&at.to_zoned_datetime(zone.clone()))
        .ok_or_else(refusal)?;
    let mut start = whole.start;
    let mut parts = Vec::new();
    while start <= whole.end {
        if parts.len() == MAX_PARTS {
            return Err(Refusal::bad_request(format!(
                "the span of time has more than {MAX_PARTS} intervals"
            )));
        }
        begun = interval.add(&begun, 1).ok_or_else(refusal)?;
        let next = begun.timestamp().as_millisecond().max(start + 1);
        parts.push(Milliseconds {
            start,
            end: whole.end.min(next - 1),
        });
        start = next;
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::tz::{Offset, TimeZone};

    use super::{Interval, Milliseconds, named, parts};

    fn shown(ms: Milliseconds) -> String {
        let text = |ms: i64| Timestamp::from_millisecond(ms).unwrap().to_string();
        // The end is included.
        format!("{} {}", text(ms.start), text(ms.end + 1))
    }

    #[test]
    fn named_timeframes_begin_where_their_unit_begins() {
        let zone = TimeZone::fixed(Offset::from_seconds(-6 * 3600).unwrap());
        // 2026-11-27 is a Friday; in this zone it is still Thursday.
        let now: Timestamp = "2026-11-27T03:30:40.5Z".parse().unwrap();
        let now = now.to_zoned_datetime(zone);
        for (name, expected) in [
            ("today", "2026-11-26T06:00:00Z 2026-11-27T06:00:00Z"),
            ("yesterday", "2026-11-25T06:00:00Z 2026-11-26T06:00:00Z"),
            ("this_day", "2026-11-26T06:00:00Z 2026-11-27T06:00:00Z"),
            ("this_14_days", "2026-11-13T06:00:00Z 2026-11-27T06:00:00Z"),
            (
                "previous_2_hours",
                "2026-11-27T01:00:00Z 2026-11-27T03:00:00Z",
            ),
            (
                "this_10_minutes",
                "2026-11-27T03:21:00Z 2026-11-27T03:31:00Z",
            ),
            ("this_week", "2026-11-22T06:00:00Z 2026-11-29T06:00:00Z"),
            (
                "previous_month",
                "2026-10-01T06:00:00Z 2026-11-01T06:00:00Z",
            ),
            ("this_2_years", "2025-01-01T06:00:00Z 2027-01-01T06:00:00Z"),
        ] {
            assert_eq!(shown(named(name, &now).unwrap()), expected, "{name}");
        }
        for name in [
            "",
            "this",
            "last_2_days",
            "this_0_days",
            "this_-1_days",
            "this_2_moons",
            "this_2",
        ] {
            assert_eq!(named(name, &now), None, "{name}");
        }
    }

    #[test]
    fn a_span_is_divided_where_intervals_begin() {
        let ms = |text: &str| text.parse::<Timestamp>().unwrap().as_millisecond();
        let whole = Milliseconds {
            start: ms("2026-01-30T12:00:00Z"),
            end: ms("2026-02-02T12:00:00Z") - 1,
        };
        for (interval, expected) in [
            (None, vec!["2026-01-30T12:00:00Z 2026-02-02T12:00:00Z"]),
            (
                Some(Interval::Month),
                vec![
                    "2026-01-30T12:00:00Z 2026-02-01T00:00:00Z",
                    "2026-02-01T00:00:00Z 2026-02-02T12:00:00Z",
                ],
            ),
            (
                Some(Interval::Day),
                vec![
                    "2026-01-30T12:00:00Z 2026-01-31T00:00:00Z",
                    "2026-01-31T00:00:00Z 2026-02-01T00:00:00Z",
                    "2026-02-01T00:00:00Z 2026-02-02T00:00:00Z",
                    "2026-02-02T00:00:00Z 2026-02-02T12:00:00Z",
                ],
            ),
        ] {
            let parts = parts(whole, interval, &TimeZone::UTC).unwrap();
            let parts: Vec<String> = parts.into_iter().map(shown).collect();
            assert_eq!(parts, expected, "{interval:?}");
        }
        let long = Milliseconds { start: 0, ..whole };
        assert!(parts(long, Some(Interval::Minute), &TimeZone::UTC).is_err());
    }
}
