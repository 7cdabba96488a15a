//! The verdict about each operation.

use serde_json::Value;

use super::calls::{Answer, Call};
use super::decoders;
use super::description::{self, Description};
use super::exceptions::{self, Correction, Exceptions, Group};
use super::operations::{self, Served};

/// What is compared.
pub(crate) struct Check<'a> {
    pub(crate) descriptions: &'a [Description],
    pub(crate) exceptions: &'a Exceptions,
    pub(crate) operations: &'a [Served],
    pub(crate) answers: &'a [(&'a Call, Result<Answer, String>)],
}

/// What was found.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) rows: Vec<Row>,
    pub(crate) problems: Vec<String>,
}

/// What was found about one operation.
#[derive(Debug)]
pub(crate) struct Row {
    operation: Served,
    statuses: Vec<String>,
    verdict: Verdict,
}

#[derive(Debug)]
enum Verdict {
    Valid,
    /// There is no schema, for this reason. The typed endpoint decodes the answer, if there is one.
    Undescribed(String),
    NotServed(String),
    Wrong,
}

impl Row {
    /// Returns what the table shows.
    pub(crate) fn cells(&self) -> Vec<String> {
        let verdict = match &self.verdict {
            Verdict::Valid => "valid".to_owned(),
            Verdict::Undescribed(reason) => format!("no schema: {reason}"),
            Verdict::NotServed(reason) => format!("not served: {reason}"),
            Verdict::Wrong => "WRONG".to_owned(),
        };
        vec![
            self.operation.product.id().to_owned(),
            self.operation.method.clone(),
            self.operation.path.clone(),
            self.statuses.join(" "),
            verdict,
        ]
    }
}

impl Report {
    /// Returns how many operations have which verdict.
    pub(crate) fn counts(&self) -> String {
        let count = |is: fn(&Verdict) -> bool| {
            let rows = self.rows.iter();
            rows.filter(|row| is(&row.verdict)).count()
        };
        format!(
            "{} operations: {} valid, {} decoded without a schema, {} not served, {} wrong",
            self.rows.len(),
            count(|verdict| matches!(verdict, Verdict::Valid)),
            count(|verdict| matches!(verdict, Verdict::Undescribed(_))),
            count(|verdict| matches!(verdict, Verdict::NotServed(_))),
            count(|verdict| matches!(verdict, Verdict::Wrong)),
        )
    }
}

impl Check<'_> {
    /// Compares everything.
    pub(crate) fn report(&self) -> Result<Report, String> {
        let corrected = self.exceptions.correct(self.descriptions, None)?;
        let mut problems =
            operations::differences(self.operations, self.descriptions, self.exceptions);
        for (call, _) in self.answers {
            if operations::find(self.operations, call.product, &call.method, call.path()).is_none()
            {
                problems.push(format!(
                    "line {} of the calls is for no operation",
                    call.line
                ));
            }
        }
        let mut rows = Vec::new();
        for operation in self.operations {
            let (row, found) = self.row(operation, &corrected)?;
            rows.push(row);
            problems.extend(found);
        }
        problems.extend(self.stale_groups());
        problems.extend(self.stale_corrections()?);
        Ok(Report { rows, problems })
    }

    fn row(
        &self,
        operation: &Served,
        descriptions: &[Description],
    ) -> Result<(Row, Vec<String>), String> {
        let answers = self.answers_of(operation);
        let statuses = answers.iter().map(|(_, answer)| match answer {
            Ok(answer) => answer.status.to_string(),
            Err(_) => "-".to_owned(),
        });
        let statuses = statuses.collect();
        let row = |verdict| Row {
            operation: operation.clone(),
            statuses,
            verdict,
        };
        let name = operation.name();
        if !operation.is_served {
            return Ok(
                match exceptions::reason(&self.exceptions.not_served, &name) {
                    Some(reason) => (row(Verdict::NotServed(reason.to_owned())), Vec::new()),
                    None => {
                        let problem = format!("{name} is not served, and no exception says why");
                        (row(Verdict::Wrong), vec![problem])
                    }
                },
            );
        }
        let mut problems = Vec::new();
        if answers.is_empty() {
            problems.push(format!("{name} has no example call"));
        }
        for (call, answer) in answers {
            for problem in problems_of(operation, descriptions, answer)? {
                problems.push(format!("{name} (line {}): {problem}", call.line));
            }
        }
        let verdict = match exceptions::reason(&self.exceptions.undescribed, &name) {
            _ if !problems.is_empty() => Verdict::Wrong,
            Some(reason) => Verdict::Undescribed(reason.to_owned()),
            None => Verdict::Valid,
        };
        Ok((row(verdict), problems))
    }

    fn answers_of(&self, operation: &Served) -> Vec<&(&Call, Result<Answer, String>)> {
        let of_operation = self.answers.iter().filter(|(call, _)| {
            let found = operations::find(self.operations, call.product, &call.method, call.path());
            found == Some(operation)
        });
        of_operation.collect()
    }

    /// Returns the operations in the list of those not served that are served, or that there are not.
    fn stale_groups(&self) -> Vec<String> {
        let listed = self
            .exceptions
            .not_served
            .iter()
            .flat_map(|Group { operations, .. }| operations);
        let is_served = |name: &&String| {
            let mut operations = self.operations.iter();
            !operations.any(|operation| operation.name() == **name && !operation.is_served)
        };
        let stale = listed.filter(is_served);
        stale
            .map(|name| format!("{name} is served now; remove it from the exceptions"))
            .collect()
    }

    /// Returns the corrections without which every answer is valid, too. As long as an operation that a correction is
    /// for is not served, nothing can be said about it.
    fn stale_corrections(&self) -> Result<Vec<String>, String> {
        let mut stale = Vec::new();
        for (at, correction) in self.exceptions.corrections.iter().enumerate() {
            let concerned = self.operations_with(correction);
            if concerned.iter().any(|operation| !operation.is_served) {
                continue;
            }
            let without = self.exceptions.correct(self.descriptions, Some(at))?;
            let mut is_needed = false;
            for operation in concerned {
                for (_, answer) in self.answers_of(operation) {
                    is_needed |= !problems_of(operation, &without, answer)?.is_empty();
                }
            }
            if !is_needed {
                let at = &correction.at;
                stale.push(format!(
                    "the correction at {at} is not needed; remove it from the exceptions"
                ));
            }
        }
        Ok(stale)
    }

    /// Returns the operations whose answers contain the part of a description that a correction is for.
    fn operations_with(&self, correction: &Correction) -> Vec<&Served> {
        let is_concerned = |operation: &&Served| {
            self.descriptions.iter().any(|description| {
                description.name == correction.description
                    && description.product == operation.product
                    && description.contains(&operation.described(), &correction.at)
            })
        };
        self.operations.iter().filter(is_concerned).collect()
    }
}

/// Returns what is wrong with an answer.
fn problems_of(
    operation: &Served,
    descriptions: &[Description],
    answer: &Result<Answer, String>,
) -> Result<Vec<String>, String> {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return Ok(vec![error.clone()]),
    };
    if !(200..300).contains(&answer.status) {
        let body = String::from_utf8_lossy(&answer.body);
        return Ok(vec![format!("status {}: {body}", answer.status)]);
    }
    let decoder = decoders::of(operation.product, &operation.method, &operation.path);
    let described = descriptions.iter().find_map(|description| {
        let is_product = description.product == operation.product;
        let statuses = description
            .statuses(&operation.described())
            .filter(|_| is_product)?;
        Some((description, statuses))
    });
    let schema = match described {
        Some((description, statuses)) => match statuses.get(&answer.status.to_string()) {
            Some(Value::Null) => None,
            Some(schema) => Some((description, schema)),
            None => {
                let documented: Vec<&String> = statuses.keys().collect();
                return Ok(vec![format!(
                    "status {} instead of one of {documented:?}",
                    answer.status
                )]);
            }
        },
        None => None,
    };
    if decoder.is_none() && schema.is_none() {
        return Ok(Vec::new());
    }
    let json = match answer.json() {
        Ok(json) => json,
        Err(error) => return Ok(vec![error]),
    };
    let mut problems = Vec::new();
    if let Some((description, schema)) = schema {
        problems.extend(description::errors(&description.validator(schema)?, &json));
    }
    if let Some(Err(error)) = decoder.map(|decoder| decoder(&json)) {
        problems.push(format!("the typed endpoint cannot decode it: {error}"));
    }
    Ok(problems)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::calls::{self, Answer};
    use super::super::description::Description;
    use super::super::exceptions::Exceptions;
    use super::super::operations::Served;
    use super::Check;

    const STATUS: &str = "lcx GET /status";

    /// Returns the problems with `GET /status`, if it is served or not, was answered so, and has these exceptions.
    fn problems(is_served: bool, answer: Option<(u16, &str)>, exceptions: &Value) -> Vec<String> {
        let operation = Served {
            product: "lcx".parse().unwrap(),
            method: "GET".to_owned(),
            path: "/status".to_owned(),
            is_served,
        };
        let call = calls::parse(STATUS).unwrap().remove(0);
        let answers: Vec<_> = answer
            .into_iter()
            .map(|(status, body)| {
                let body = body.as_bytes().to_vec();
                (&call, Ok(Answer { status, body }))
            })
            .collect();
        let check = Check {
            descriptions: &Description::all().unwrap(),
            exceptions: &serde_json::from_value::<Exceptions>(exceptions.clone()).unwrap(),
            operations: &[operation],
            answers: &answers,
        };
        let report = check.report().unwrap();
        assert_eq!(report.rows.len(), 1);
        // The lists of operations differ, because this is only one.
        let about_lists = [
            "in the emulator's list",
            "in no description",
            "in the lists of ap-api",
        ];
        let is_about_lists =
            |problem: &&String| about_lists.iter().any(|part| problem.contains(part));
        let problems = report
            .problems
            .iter()
            .filter(|problem| !is_about_lists(problem));
        problems.cloned().collect()
    }

    #[test]
    fn each_failure_is_a_problem() {
        let none = json!({"corrections": [], "undescribed": [], "not_served": []});
        let group = json!([{"reason": "later", "operations": [STATUS]}]);
        let not_served = json!({"corrections": [], "undescribed": [], "not_served": group});
        let undescribed = json!({"corrections": [], "undescribed": group, "not_served": []});
        let correction = json!({"description": "leadconduit", "at": "/schemas/Status/properties/version",
            "value": {"type": "string"}, "reason": "it can have a suffix"});
        let corrected = json!({"corrections": [correction], "undescribed": [], "not_served": []});
        let not_served_and_corrected = json!({"corrections": corrected["corrections"], "undescribed": [], "not_served": group});
        let valid = Some((200, r#"{"version":"1.2.3"}"#));
        let suffix = Some((200, r#"{"version":"1.2.3-a"}"#));
        for (is_served, answer, exceptions, expected) in [
            (true, valid, &none, None),
            (true, suffix, &corrected, None),
            (false, None, &not_served, None),
            (false, None, &not_served_and_corrected, None),
            (
                false,
                None,
                &none,
                Some("is not served, and no exception says why"),
            ),
            (true, valid, &not_served, Some("is served now; remove it")),
            (
                true,
                valid,
                &undescribed,
                Some("is in a description; remove it"),
            ),
            (true, None, &none, Some("has no example call")),
            (true, Some((404, "{}")), &none, Some("status 404: {}")),
            (
                true,
                Some((201, r#"{"version":"1.2.3"}"#)),
                &none,
                Some("status 201 instead of one of [\"200\"]"),
            ),
            (
                true,
                Some((200, "a page")),
                &none,
                Some("the body is not JSON"),
            ),
            (true, suffix, &none, Some("at \"/version\"")),
            (true, valid, &corrected, Some("is not needed; remove it")),
        ] {
            let problems = problems(is_served, answer, exceptions);
            match expected {
                None => assert!(problems.is_empty(), "{problems:?}"),
                Some(expected) => {
                    assert_eq!(problems.len(), 1, "{expected}: {problems:?}");
                    assert!(problems[0].contains(expected), "{expected}: {problems:?}");
                }
            }
        }
    }

    #[test]
    fn an_answer_that_the_endpoint_cannot_decode_is_a_problem() {
        let none = json!({"corrections": [], "undescribed": [], "not_served": []});
        let problems = problems(true, Some((200, r#"{"version":5}"#)), &none);
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems[1].contains("the typed endpoint cannot decode it"));
    }
}
