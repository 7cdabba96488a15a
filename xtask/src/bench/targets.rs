//! The targets of the project beside what was measured.

use super::micro::TITLE as CORE;
use super::table::{Cell, Table};

/// Where a figure is: the title of a table, the name of a row and the name of a column.
pub(crate) type CellName = (&'static str, &'static str, &'static str);

/// What a figure may be.
#[derive(Clone, Copy)]
pub(crate) enum Limit {
    AtMost(f64),
    Below(f64),
    AtLeast(f64),
    /// At most another figure.
    AtMostOther(CellName),
    /// At most so many times another figure.
    AtMostTimes(f64, CellName),
    /// At most this far from one.
    NearOne(f64),
}

pub(crate) struct Target {
    pub(crate) what: &'static str,
    /// The figures that must all be within the limit, and their significant digits.
    pub(crate) figures: &'static [CellName],
    pub(crate) digits: usize,
    pub(crate) limit: Limit,
}

const PLAIN: &str = "A call's instructions and allocations, plain";
const TLS: &str = "A call's instructions and allocations, TLS";
const SIGNING: &str = "signing a request, with every check";
const SIGNING_AGAIN: &str = "signing the same request again, with every check";
const EXCHANGE: &str = "an exchange, signed and answered 200";
const CALL: &str = "a client's call of an endpoint, beyond its transport";
const ASYNC_CALL: &str = "the same by an async client";
const DECODED: &str = "1,000 events decoded into typed ones, unknown members kept";
const DECODED_BARE: &str = "1,000 events decoded into bare structs, unknown members skipped";
const OVER: &str = "over the bare, KiB for each in flight";
const AP_REQWEST: &str = "**ap-reqwest**";
const AP_UREQ: &str = "**ap-ureq**";
const GROWTH: &str = "As calls grow in number";
const AP_HYPER: &str = "**ap-hyper**";

/// The ratios of a client: plain, then over TLS.
const fn ratios(client: &'static str) -> [CellName; 4] {
    [
        (PLAIN, client, "ratio at 1"),
        (PLAIN, client, "ratio at 16"),
        (TLS, client, "ratio at 1"),
        (TLS, client, "ratio at 16"),
    ]
}

/// The memory of a client: plain, then over TLS.
const fn memory(client: &'static str) -> [CellName; 6] {
    [
        ("8 in flight, plain", client, OVER),
        ("64 in flight, plain", client, OVER),
        ("512 in flight, plain", client, OVER),
        ("8 in flight, TLS", client, OVER),
        ("64 in flight, TLS", client, OVER),
        ("512 in flight, TLS", client, OVER),
    ]
}

/// A column of each of our clients.
const fn growth(column: &'static str) -> [CellName; 3] {
    [
        (GROWTH, "ap-reqwest", column),
        (GROWTH, "ap-ureq", column),
        (GROWTH, "ap-hyper", column),
    ]
}

const TARGETS: [Target; 20] = [
    Target {
        what: "ap-reqwest, instructions to reqwest's with its basic auth: 1 and 16 in flight, plain, then TLS",
        figures: &ratios(AP_REQWEST),
        digits: 3,
        limit: Limit::AtMost(1.0),
    },
    Target {
        what: "ap-ureq, instructions to ureq's: the same",
        figures: &ratios(AP_UREQ),
        digits: 3,
        limit: Limit::AtMost(0.9),
    },
    Target {
        what: "ap-hyper, instructions to reqwest's: 1 and 16 in flight, plain",
        figures: &[
            (PLAIN, AP_HYPER, "ratio at 1"),
            (PLAIN, AP_HYPER, "ratio at 16"),
        ],
        digits: 3,
        limit: Limit::AtMost(0.4),
    },
    Target {
        what: "ap-hyper: the same, over TLS",
        figures: &[
            (TLS, AP_HYPER, "ratio at 1"),
            (TLS, AP_HYPER, "ratio at 16"),
        ],
        digits: 3,
        limit: Limit::AtMost(0.56),
    },
    Target {
        what: "signing with every check, instructions: the first time, and again",
        figures: &[
            (CORE, SIGNING, "instructions"),
            (CORE, SIGNING_AGAIN, "instructions"),
        ],
        digits: 0,
        limit: Limit::AtMost(700.0),
    },
    Target {
        what: "signing, allocations: the same",
        figures: &[
            (CORE, SIGNING, "allocations"),
            (CORE, SIGNING_AGAIN, "allocations"),
        ],
        digits: 0,
        limit: Limit::AtMost(0.0),
    },
    Target {
        what: "an exchange with its signing, instructions",
        figures: &[(CORE, EXCHANGE, "instructions")],
        digits: 0,
        limit: Limit::AtMost(1_050.0),
    },
    Target {
        what: "an exchange, allocations",
        figures: &[(CORE, EXCHANGE, "allocations")],
        digits: 0,
        limit: Limit::AtMost(0.0),
    },
    Target {
        what: "a client's call beyond its transport, instructions: blocking, async",
        figures: &[
            (CORE, CALL, "instructions"),
            (CORE, ASYNC_CALL, "instructions"),
        ],
        digits: 0,
        limit: Limit::AtMost(4_200.0),
    },
    Target {
        what: "a client's call beyond its transport, allocations: the same",
        figures: &[
            (CORE, CALL, "allocations"),
            (CORE, ASYNC_CALL, "allocations"),
        ],
        digits: 0,
        limit: Limit::AtMost(3.0),
    },
    Target {
        what: "1,000 events, unknown members kept, instructions, to 1.7 times those of bare structs",
        figures: &[(CORE, DECODED, "instructions")],
        digits: 0,
        limit: Limit::AtMostTimes(1.7, (CORE, DECODED_BARE, "instructions")),
    },
    Target {
        what: "the documented 401, instructions",
        figures: &[(CORE, "the documented 401", "instructions")],
        digits: 0,
        limit: Limit::AtMost(300.0),
    },
    Target {
        what: "the documented 401, allocations",
        figures: &[(CORE, "the documented 401", "allocations")],
        digits: 0,
        limit: Limit::AtMost(0.0),
    },
    Target {
        what: "ap-reqwest, KiB over reqwest for each call in flight: 8, 64, 512, plain, then TLS",
        figures: &memory(AP_REQWEST),
        digits: 0,
        limit: Limit::AtMost(64.0),
    },
    Target {
        what: "ap-ureq, KiB over ureq for each call in flight: the same",
        figures: &memory(AP_UREQ),
        digits: 0,
        limit: Limit::AtMost(64.0),
    },
    Target {
        what: "a call's instructions from 10³ to 10⁴ calls, to those before: ap-reqwest, ap-ureq, ap-hyper",
        figures: &growth("ratio"),
        digits: 3,
        limit: Limit::NearOne(0.05),
    },
    Target {
        what: "KiB gained from 10⁴ to 10⁶ calls: the same",
        figures: &growth("KiB gained to 10⁶"),
        digits: 0,
        limit: Limit::AtMost(1024.0),
    },
    Target {
        what: "`ap --version`, milliseconds, to `curl --version`",
        figures: &[("Starting", "`ap --version`", "milliseconds")],
        digits: 1,
        limit: Limit::AtMostOther(("Starting", "`curl --version`", "milliseconds")),
    },
    Target {
        what: "`ap`, the stripped program, MiB",
        figures: &[("Weight", "`ap`, the stripped program", "MiB")],
        digits: 2,
        limit: Limit::Below(8.0),
    },
    Target {
        what: "ap-core and ap-ureq, crates in the tree",
        figures: &[("Weight", "`ap-ureq`", "crates")],
        digits: 0,
        limit: Limit::Below(50.0),
    },
];

/// Returns a table of the targets with their figures. Targets without a figure are left out, unless everything was to be
/// measured.
pub(crate) fn table(tables: &[Table], is_whole: bool) -> Option<Table> {
    judged("Targets", &TARGETS, tables, is_whole)
}

/// Returns a table of some targets with their figures.
pub(crate) fn judged(
    title: &str,
    targets: &[Target],
    tables: &[Table],
    is_whole: bool,
) -> Option<Table> {
    let mut found = Table::new(
        title,
        "The figures are those of the tables below, in the order that is named.",
        &["target", "limit", "figures", "held"],
    );
    for target in targets {
        let figures: Vec<Option<f64>> = target
            .figures
            .iter()
            .map(|cell| number(tables, *cell).map(|figure| rounded(figure, target.digits)))
            .collect();
        if !is_whole && figures.iter().all(Option::is_none) {
            continue;
        }
        let (limit, most, holds): (_, _, fn(f64, f64) -> bool) = match target.limit {
            Limit::AtMost(most) => ("at most", Some(most), |figure, most| figure <= most),
            Limit::Below(most) => ("below", Some(most), |figure, most| figure < most),
            Limit::AtLeast(least) => ("at least", Some(least), |figure, least| figure >= least),
            Limit::AtMostOther(cell) => (
                "at most",
                number(tables, cell).map(|figure| rounded(figure, target.digits)),
                |figure, most| figure <= most,
            ),
            Limit::AtMostTimes(times, cell) => (
                "at most",
                number(tables, cell).map(|figure| rounded(figure * times, target.digits)),
                |figure, most| figure <= most,
            ),
            Limit::NearOne(most) => ("1 ±", Some(most), |figure, most| {
                (figure - 1.0).abs() <= most
            }),
        };
        let verdicts: Vec<Option<bool>> = figures
            .iter()
            .map(|figure| Some(holds((*figure)?, most?)))
            .collect();
        let held = if verdicts.contains(&Some(false)) {
            "no"
        } else if verdicts.contains(&None) {
            "–"
        } else {
            "yes"
        };
        let shown = |figure: &Option<f64>| Cell::number(*figure, target.digits).text();
        let shown: Vec<String> = figures.iter().map(shown).collect();
        let most = most.map_or_else(|| "–".to_owned(), |most| most.to_string());
        found.rows.push(vec![
            target.what.into(),
            Cell::Text(format!("{limit} {most}")),
            Cell::Text(shown.join(", ")),
            held.into(),
        ]);
    }
    (!found.rows.is_empty()).then_some(found)
}

/// Rounds a figure as it is shown, so that it is judged as it is shown.
fn rounded(figure: f64, digits: usize) -> f64 {
    let scale = (0..digits).fold(1.0, |scale, _| scale * 10.0);
    (figure * scale).round() / scale
}

/// Returns the number in a cell, if there is one.
fn number(tables: &[Table], (title, row, column): CellName) -> Option<f64> {
    let table = tables.iter().find(|table| table.title == title)?;
    let column = table.columns.iter().position(|name| name == column)?;
    let named = |cells: &&Vec<Cell>| matches!(cells.first(), Some(Cell::Text(name)) if name == row);
    match table.rows.iter().find(named)?.get(column)? {
        Cell::Number(number, _) => Some(*number),
        Cell::Text(_) | Cell::Missing => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{TARGETS, table as targets};
    use crate::bench::table::{Cell, Table};

    fn weight(ap_mib: f64, crates: Option<f64>) -> Table {
        let mut table = Table::new("Weight", "", &["what", "crates", "MiB"]);
        table.rows.push(vec![
            "`ap`, the stripped program".into(),
            Cell::Missing,
            Cell::Number(ap_mib, 2),
        ]);
        table.rows.push(vec![
            "`ap-ureq`".into(),
            Cell::number(crates, 0),
            Cell::Missing,
        ]);
        table
    }

    fn held(table: &Table) -> Vec<String> {
        let last = table.rows.iter().filter_map(|row| row.last());
        last.map(Cell::text).collect()
    }

    #[test]
    fn a_target_is_held_or_not_and_left_out_where_nothing_was_measured() {
        assert!(targets(&[], false).is_none());
        let seen = targets(&[weight(7.99, Some(50.0))], false).unwrap();
        assert_eq!(held(&seen), ["yes", "no"]);
        let seen = targets(&[weight(8.0, None)], false).unwrap();
        assert_eq!(held(&seen), ["no"]);
    }

    #[test]
    fn one_figure_of_several_that_is_missing_or_too_high_shows() {
        let mut table = Table::new("As calls grow in number", "", &["client", "ratio"]);
        for (client, ratio) in [("ap-reqwest", 1.04), ("ap-ureq", 0.96)] {
            table.rows.push(vec![client.into(), Cell::Number(ratio, 3)]);
        }
        assert_eq!(held(&targets(&[table.clone()], false).unwrap()), ["–"]);
        table
            .rows
            .push(vec!["ap-hyper".into(), Cell::Number(1.06, 3)]);
        assert_eq!(held(&targets(&[table], false).unwrap()), ["no"]);
    }

    #[test]
    fn a_whole_run_shows_every_target() {
        let seen = targets(&[], true).unwrap();
        assert_eq!(seen.rows.len(), TARGETS.len());
        assert!(held(&seen).iter().all(|held| held == "–"));
    }
}
