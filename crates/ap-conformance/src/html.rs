//! One self-contained page with subjects side by side: each case with its rule and its source, and a filter.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use crate::case::Level;
use crate::report::{CaseReport, CaseState, Report};

/// Returns an HTML page for some reports. It loads nothing from anywhere.
///
/// ```
/// use ap_client::transport::Connect as _;
/// use ap_conformance::{Suite, html};
/// use ap_ureq::UreqTransport as MyTransport; // yours goes here
///
/// let report = Suite::builtin().only("authorization/exact")?.quiet().check(MyTransport::connect);
/// let page = html(&[report]);
/// assert!(page.contains("authorization/exact"));
/// # Ok::<(), ap_conformance::ChoiceError>(())
/// ```
#[must_use]
pub fn html(reports: &[Report]) -> String {
    let mut page = format!(
        "{HEAD}<style>{STYLE}</style></head><body><main><h1>Conformance report</h1>{INTRODUCTION}"
    );
    // Writing to a String cannot fail.
    let _ = subjects(&mut page, reports);
    page.push_str(FILTERS);
    let _ = cases(&mut page, reports);
    let _ = write!(page, "</main><script>{SCRIPT}</script></body></html>");
    page
}

fn subjects(page: &mut String, reports: &[Report]) -> fmt::Result {
    page.push_str("<ul class=\"subjects\">");
    for report in reports {
        let [passed, failed, skipped, not_applicable] = [
            CaseState::Passed,
            CaseState::Failed,
            CaseState::Skipped,
            CaseState::NotApplicable,
        ]
        .map(|state| report.count(state));
        let broken = |level| {
            let failed = |case: &&CaseReport| case.state() == CaseState::Failed;
            let failed = report.cases().iter().filter(failed);
            failed.filter(|case| case.level() == level).count()
        };
        let verdict = match (broken(Level::Must), broken(Level::Should)) {
            (0, 0) => "Passes every case that ran".to_owned(),
            (0, should) => format!("Passes every MUST, fails {should} SHOULD"),
            (must, 0) => format!("Fails {must} MUST"),
            (must, should) => format!("Fails {must} MUST and {should} SHOULD"),
        };
        write!(
            page,
            "<li><h2>{}</h2><p class=\"verdict\">{verdict}</p><div class=\"bar\" aria-hidden=\"true\">\
             <span class=\"passed\" style=\"flex:{passed}\"></span>\
             <span class=\"failed\" style=\"flex:{failed}\"></span>\
             <span class=\"skipped\" style=\"flex:{skipped}\"></span></div>\
             <p class=\"counts\">{passed} passed, {failed} failed, {not_applicable} not applicable, {skipped} skipped; {}; {}</p></li>",
            escape(report.subject()),
            report.logs(),
            report.memory(),
        )?;
    }
    page.push_str("</ul>");
    Ok(())
}

fn cases(page: &mut String, reports: &[Report]) -> fmt::Result {
    let mut rows: BTreeMap<&str, Vec<Option<&CaseReport>>> = BTreeMap::new();
    for (column, report) in reports.iter().enumerate() {
        for case in report.cases() {
            rows.entry(case.id())
                .or_insert_with(|| vec![None; reports.len()])[column] = Some(case);
        }
    }
    page.push_str("<table><thead><tr><th scope=\"col\">Case</th>");
    for report in reports {
        let subject = escape(report.subject());
        write!(page, "<th scope=\"col\" class=\"subject\">{subject}</th>")?;
    }
    page.push_str("</tr></thead>");
    let mut group = None;
    for (id, columns) in &rows {
        let group_of_case = id.split('/').next();
        if group != group_of_case {
            page.push_str(if group.is_some() { "</tbody>" } else { "" });
            group = group_of_case;
            write!(
                page,
                "<tbody><tr class=\"group\"><th scope=\"rowgroup\" colspan=\"{}\">{} <span class=\"left\"></span></th></tr>",
                reports.len() + 1,
                escape(group_of_case.unwrap_or_default()),
            )?;
        }
        row(page, reports, columns)?;
    }
    page.push_str(if group.is_some() { "</tbody>" } else { "" });
    page.push_str("</table>");
    Ok(())
}

fn row(page: &mut String, reports: &[Report], columns: &[Option<&CaseReport>]) -> fmt::Result {
    let Some(case) = columns.iter().flatten().next() else {
        return Ok(());
    };
    let state = |case: &Option<&CaseReport>| case.map_or("absent", |case| case.state().name());
    let states: Vec<_> = columns.iter().map(state).collect();
    write!(
        page,
        "<tr class=\"case\" data-states=\"{}\" data-level=\"{}\"><td><p class=\"title\">{}</p>\
         <p class=\"rule\">{}</p><p class=\"facts\"><span class=\"level\">{}</span> <code>{}</code> · {}</p>",
        states.join(" "),
        case.level(),
        escape(&case.title),
        escape(&case.requirement),
        case.level(),
        escape(case.id()),
        escape(&case.source),
    )?;
    for (report, case) in reports.iter().zip(columns) {
        if let Some(case) = case.filter(|case| !case.reason().is_empty()) {
            write!(
                page,
                "<p class=\"reason {}\"><b>{}:</b> {}</p>",
                case.state().name(),
                escape(report.subject()),
                escape(case.reason()),
            )?;
            if !case.details().is_empty() {
                write!(
                    page,
                    "<pre class=\"details\">{}</pre>",
                    escape(case.details())
                )?;
            }
        }
    }
    page.push_str("</td>");
    for (report, state) in reports.iter().zip(&states) {
        write!(
            page,
            "<td class=\"outcome\" data-subject=\"{}\"><span class=\"state {state}\">{state}</span></td>",
            escape(report.subject()),
        )?;
    }
    page.push_str("</tr>");
    Ok(())
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
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Conformance report</title>"#;

const STYLE: &str = include_str!("html/report.css");
const SCRIPT: &str = include_str!("html/report.js");

const INTRODUCTION: &str = "<p class=\"introduction\">Every subject runs the same cases. Each case shows its rule, and where the rule comes \
from. A client that breaks a MUST is not safe to use with a key, or not correct. A good client also keeps every SHOULD.</p>";

const FILTERS: &str = r#"<form role="search">
<label>Text <input id="text" type="search" autocomplete="off"></label>
<label>Outcome <select id="state"><option value="">any</option><option>failed</option><option>skipped</option><option>not-applicable</option><option>passed</option></select></label>
<label>Level <select id="level"><option value="">any</option><option>MUST</option><option>SHOULD</option></select></label>
<output id="shown" aria-live="polite"></output></form>"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_a_subject_is_never_markup() {
        let case = CaseReport {
            reason: "<script>alert(1)</script>".to_owned(),
            details: "<script>alert(2)</script>".to_owned(),
            title: "t & t".to_owned(),
            ..CaseReport::new("a/b", Level::Must, CaseState::Failed)
        };
        let page = html(&[Report {
            subject: "<b>".to_owned(),
            cases: vec![case],
            searches_logs: true,
        }]);
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
        assert!(page.contains("&lt;b&gt;") && !page.contains("<h2><b>"));
        assert_eq!(page.matches("<script>").count(), 1);
    }
}
