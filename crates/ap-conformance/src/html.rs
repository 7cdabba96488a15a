//! One self-contained page: subjects side by side, filterable, each case with its rule and its source.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::report::{CaseReport, CaseState, Report};

/// The page for some reports. It loads nothing from anywhere.
#[must_use]
pub fn html(reports: &[Report]) -> String {
    let mut rows: BTreeMap<&str, Vec<Option<&CaseReport>>> = BTreeMap::new();
    for (column, report) in reports.iter().enumerate() {
        for case in report.cases() {
            rows.entry(case.id())
                .or_insert_with(|| vec![None; reports.len()])[column] = Some(case);
        }
    }
    let mut page = String::from(HEAD);
    // Writing to a String cannot fail.
    let _ = write!(page, "<p class=\"counts\">");
    for report in reports {
        let _ = write!(
            page,
            "<span><b>{}</b>: {} passed, {} failed, {} skipped</span> ",
            escape(report.subject()),
            report.count(CaseState::Passed),
            report.count(CaseState::Failed),
            report.count(CaseState::Skipped),
        );
    }
    let _ = write!(
        page,
        "</p>{FILTERS}<table><thead><tr><th scope=\"col\">Case</th>"
    );
    for report in reports {
        let _ = write!(page, "<th scope=\"col\">{}</th>", escape(report.subject()));
    }
    page.push_str("</tr></thead><tbody>");
    for (id, columns) in &rows {
        let Some(case) = columns.iter().flatten().next() else {
            continue;
        };
        let states: Vec<_> = columns
            .iter()
            .map(|case| case.map_or("absent", |case| case.state().name()))
            .collect();
        let _ = write!(
            page,
            "<tr data-states=\"{}\" data-level=\"{}\"><td><details><summary><code>{}</code> \
             <span class=\"level\">{}</span> {}</summary><p>{}</p><p class=\"source\">Source: {}</p></details></td>",
            states.join(" "),
            case.level(),
            escape(id),
            case.level(),
            escape(&case.title),
            escape(&case.requirement),
            escape(&case.source),
        );
        for (state, case) in states.iter().zip(columns) {
            let _ = write!(page, "<td class=\"{state}\">{state}");
            if let Some(case) = case.filter(|case| !case.reason().is_empty()) {
                let _ = write!(page, "<p>{}</p>", escape(case.reason()));
            }
            page.push_str("</td>");
        }
        page.push_str("</tr>");
    }
    page.push_str("</tbody></table>");
    page.push_str(SCRIPT);
    page
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c => escaped.push(c),
        }
    }
    escaped
}

const HEAD: &str = r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Conformance report</title>
<style>
:root { color-scheme: light dark; font: 16px/1.45 system-ui, sans-serif; }
body { margin: 1.5rem auto; max-width: 75rem; padding: 0 1rem; }
.counts span { margin-right: 1.5rem; }
form { display: flex; flex-wrap: wrap; gap: 1rem; margin: 1rem 0; }
input, select { font: inherit; padding: .25rem .5rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #8884; padding: .4rem .6rem; text-align: left; vertical-align: top; }
th { position: sticky; top: 0; background: Canvas; }
td p { margin: .3rem 0; }
.level { font-size: .75rem; border: 1px solid #8888; border-radius: .3rem; padding: 0 .3rem; }
.source, .skipped p, .failed p { font-size: .875rem; }
.passed { color: #1a7f37; } .failed { color: #cf222e; font-weight: 600; } .skipped, .absent { color: #7a6a00; }
@media (prefers-color-scheme: dark) {
  .passed { color: #57ab5a; } .failed { color: #f47067; } .skipped, .absent { color: #c69026; }
}
summary { cursor: pointer; } tr[hidden] { display: none; }
</style></head><body><h1>Conformance report</h1>"#;

const FILTERS: &str = r#"<form role="search">
<label>Text <input id="text" type="search" autocomplete="off"></label>
<label>Outcome <select id="state"><option value="">any</option><option>passed</option><option>failed</option><option>skipped</option></select></label>
<label>Level <select id="level"><option value="">any</option><option>MUST</option><option>SHOULD</option></select></label>
<output id="shown" aria-live="polite"></output></form>"#;

const SCRIPT: &str = r#"<script>
const [text, state, level, shown] = ["text", "state", "level", "shown"].map(id => document.getElementById(id));
const rows = [...document.querySelectorAll("tbody tr")];
function filter() {
  const wanted = text.value.toLowerCase();
  let count = 0;
  for (const row of rows) {
    const fits = row.textContent.toLowerCase().includes(wanted)
      && (!state.value || row.dataset.states.split(" ").includes(state.value))
      && (!level.value || row.dataset.level === level.value);
    row.hidden = !fits;
    count += fits;
  }
  shown.textContent = `${count} of ${rows.length} cases`;
}
for (const control of [text, state, level]) control.addEventListener("input", filter);
document.querySelector("form").addEventListener("submit", event => event.preventDefault());
filter();
</script></body></html>
"#;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Level;

    #[test]
    fn what_a_subject_says_is_text_and_never_markup() {
        let case = CaseReport {
            id: "a/b".to_owned(),
            level: Level::Must,
            state: CaseState::Failed,
            reason: "<script>alert(1)</script>".to_owned(),
            millis: 0,
            title: "t & t".to_owned(),
            requirement: "r".to_owned(),
            source: "s".to_owned(),
            kinds: Vec::new(),
        };
        let page = html(&[Report {
            subject: "<b>".to_owned(),
            cases: vec![case],
        }]);
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
        assert!(page.contains("&lt;b&gt;") && !page.contains("<b>:"));
        assert_eq!(page.matches("<script>").count(), 1);
    }
}
