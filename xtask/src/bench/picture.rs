//! The picture of a call's instructions: a bar for each client and each bare library.

use std::fmt::Write as _;

use super::table::{Cell, Table};

const WIDTH: f64 = 720.0;
const LABELS: f64 = 250.0;
const BAR: f64 = 26.0;

/// Draws one bar for each client: its instructions with one call in flight. Without counts, the picture is empty.
pub(crate) fn svg(tables: &[Table]) -> String {
    let rows = tables.iter().find_map(|table| {
        let at = table
            .columns
            .iter()
            .position(|column| column == "instructions at 1")?;
        Some(
            table
                .rows
                .iter()
                .filter_map(move |row| match (row.first()?, row.get(at)?) {
                    (Cell::Text(name), Cell::Number(count, _)) => {
                        Some((name.replace("**", ""), *count, name.starts_with("**")))
                    }
                    _ => None,
                }),
        )
    });
    let rows: Vec<(String, f64, bool)> = rows.map(Iterator::collect).unwrap_or_default();
    let most = rows.iter().map(|(_, count, _)| *count).fold(1.0, f64::max);
    let height = 60.0 + BAR * rows.len() as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
         font-family=\"system-ui, sans-serif\" font-size=\"13\">\n\
         <title>Instructions of a call, by client</title>\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>\n\
         <text x=\"16\" y=\"26\" font-size=\"15\" font-weight=\"600\" fill=\"#1a1a1a\">\
         Instructions of a call, one in flight (less is better)</text>\n"
    );
    for (at, (name, count, ours)) in rows.iter().enumerate() {
        let top = 42.0 + BAR * at as f64;
        let length = (WIDTH - LABELS - 90.0) * count / most;
        let fill = if *ours { "#0b6e4f" } else { "#a9b4bd" };
        let name = name.replace('&', "&amp;").replace('<', "&lt;");
        let _ = writeln!(
            svg,
            "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\" fill=\"#1a1a1a\">{name}</text>\
             <rect x=\"{LABELS}\" y=\"{:.0}\" width=\"{length:.1}\" height=\"{:.0}\" rx=\"2\" fill=\"{fill}\"/>\
             <text x=\"{:.0}\" y=\"{:.0}\" fill=\"#1a1a1a\">{:.1} k</text>",
            LABELS - 8.0,
            top + 16.0,
            top + 3.0,
            BAR - 8.0,
            LABELS + length + 6.0,
            top + 16.0,
            count / 1000.0,
        );
    }
    svg.push_str("</svg>\n");
    svg
}

#[cfg(test)]
mod tests {
    use super::svg;
    use crate::bench::table::{Cell, Table};

    #[test]
    fn every_client_has_its_bar_and_its_name_is_escaped() {
        let mut table = Table::new("T", "", &["client", "instructions at 1"]);
        table
            .rows
            .push(vec!["a <b> & c".into(), Cell::Number(1000.0, 0)]);
        table
            .rows
            .push(vec!["**ours**".into(), Cell::Number(500.0, 0)]);
        let picture = svg(&[table]);
        assert_eq!(picture.matches("rx=\"2\"").count(), 2);
        assert!(picture.contains("a &lt;b> &amp; c") && picture.contains(">ours<"));
        assert!(svg(&[]).ends_with("</svg>\n"));
    }
}
