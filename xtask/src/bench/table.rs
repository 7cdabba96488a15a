//! A table of measurements, as Markdown and as JSON.

use serde_json::{Value, json};

/// A measurement, or the name of one.
#[derive(Clone, Debug)]
pub(crate) enum Cell {
    Text(String),
    /// A number, and how many digits behind the point are significant.
    Number(f64, usize),
    /// Not measured.
    Missing,
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl Cell {
    /// Makes a cell from a number, if there is one, with its significant digits behind the point.
    pub(crate) fn number(value: Option<f64>, digits: usize) -> Self {
        value.map_or(Self::Missing, |value| Self::Number(value, digits))
    }

    /// Formats the cell as a table shows it.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(value, digits) => match format!("{value:.digits$}") {
                nothing if nothing == "-0" => "0".to_owned(),
                number => grouped(&number),
            },
            Self::Missing => "–".to_owned(),
        }
    }
}

/// Puts a comma between thousands.
fn grouped(number: &str) -> String {
    let (whole, rest) = number
        .split_once('.')
        .map_or((number, None), |(whole, rest)| (whole, Some(rest)));
    let mut text = String::new();
    for (at, digit) in whole.chars().enumerate() {
        let left = whole.len() - at;
        if at > 0 && left.is_multiple_of(3) && digit.is_ascii_digit() && !text.ends_with('-') {
            text.push(',');
        }
        text.push(digit);
    }
    match rest {
        Some(rest) => format!("{text}.{rest}"),
        None => text,
    }
}

/// A table: rows of cells under a title.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) title: String,
    pub(crate) note: String,
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<Cell>>,
}

impl Table {
    pub(crate) fn new(title: &str, note: &str, columns: &[&str]) -> Self {
        Self {
            title: title.to_owned(),
            note: note.to_owned(),
            columns: columns.iter().map(|&column| column.to_owned()).collect(),
            rows: Vec::new(),
        }
    }

    pub(crate) fn to_markdown(&self) -> String {
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let mut text = format!("## {}\n\n{}\n\n", self.title, self.note);
        text += &line(self.columns.clone());
        let rule = |row: usize| if row == 0 { "---" } else { "--:" };
        text += &format!(
            "|{}|\n",
            (0..self.columns.len())
                .map(rule)
                .collect::<Vec<_>>()
                .join("|")
        );
        for row in &self.rows {
            text += &line(row.iter().map(Cell::text).collect());
        }
        text
    }

    pub(crate) fn to_json(&self) -> Value {
        let rows: Vec<Value> = self
            .rows
            .iter()
            .map(|row| {
                let cells = self.columns.iter().zip(row);
                cells
                    .map(|(column, cell)| {
                        let value = match cell {
                            Cell::Text(text) => json!(text),
                            Cell::Number(value, _) => json!(value),
                            Cell::Missing => Value::Null,
                        };
                        (column.clone(), value)
                    })
                    .collect()
            })
            .collect();
        json!({"title": self.title, "note": self.note, "rows": rows})
    }
}

#[cfg(test)]
mod tests {
    use super::{Cell, Table, grouped};

    #[test]
    fn numbers_are_grouped_and_missing_cells_are_shown() {
        for (plain, shown) in [
            ("1", "1"),
            ("999", "999"),
            ("1000", "1,000"),
            ("1234567.25", "1,234,567.25"),
            ("-1234", "-1,234"),
            ("-123", "-123"),
        ] {
            assert_eq!(grouped(plain), shown);
        }
        let mut table = Table::new("T", "N", &["a", "b"]);
        table
            .rows
            .push(vec!["x".into(), Cell::number(Some(0.5), 2)]);
        table.rows.push(vec!["y".into(), Cell::Missing]);
        assert_eq!(Cell::Number(-0.2, 0).text(), "0");
        assert!(table.to_markdown().ends_with("| x | 0.50 |\n| y | – |\n"));
        assert_eq!(table.to_json()["rows"][1]["b"], serde_json::Value::Null);
    }
}
