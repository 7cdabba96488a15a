//! [`Rules`]: the rules of flows, and those by which clients choose events.

use std::borrow::Cow;

use regex_lite::Regex;
use serde::Deserialize;
use serde_json::Value;

use crate::scalar::Scalar;

/// What a rule looks its values up in.
pub(crate) type Lookup<'a> = &'a dyn Fn(&str) -> Option<Scalar<'a>>;

/// Rules, as they are in JSON. A set of rules is in the place of a rule too.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct RuleText {
    lhv: Option<String>,
    op: String,
    rhv: Option<Value>,
    rule_set: Option<Box<Self>>,
    rules: Option<Vec<Self>>,
}

/// A rule that is ready to be applied.
#[derive(Debug)]
pub(crate) enum Rule {
    All(Vec<Self>),
    Any(Vec<Self>),
    Compare(Comparison),
}

#[derive(Debug)]
pub(crate) struct Comparison {
    name: String,
    /// Where it says if the value has the form of its type.
    valid_name: String,
    operator: Operator,
    is_inverse: bool,
}

#[derive(Debug)]
enum Operator {
    IsBlank,
    IsTrue,
    IsFalse,
    IsValid,
    /// The emulator knows no obscene words.
    IsObscene,
    Equals(Operand),
    IsLess(Operand),
    IsGreater(Operand),
    IsIncludedIn(Vec<Operand>),
    Includes(Operand),
    IsBetween(f64, f64),
    Matches(Regex),
}

/// The value of a rule: a text, or the name of a variable in a template.
#[derive(Debug)]
enum Operand {
    Text(String),
    Variable(String),
}

impl RuleText {
    pub(crate) fn compile(&self) -> Result<Rule, String> {
        let is_set = matches!(&*self.op, "and" | "or");
        if is_set {
            let rules = self.rules.as_deref().unwrap_or_default();
            let rules = rules.iter().map(Self::compile).collect::<Result<_, _>>()?;
            return Ok(match &*self.op {
                "and" => Rule::All(rules),
                _ => Rule::Any(rules),
            });
        }
        let name = self.lhv.as_deref().ok_or("a rule has no lhv")?;
        let name = variable(name).unwrap_or(name).to_owned();
        let (operator, is_inverse) = self.operator()?;
        let comparison = Rule::Compare(Comparison {
            valid_name: format!("{name}.valid"),
            name,
            operator,
            is_inverse,
        });
        Ok(match &self.rule_set {
            Some(more) => Rule::All(vec![comparison, more.compile()?]),
            None => comparison,
        })
    }

    fn operator(&self) -> Result<(Operator, bool), String> {
        let op = &*self.op;
        let operand = || operand(self.rhv.as_ref().unwrap_or(&Value::Null));
        Ok(match op {
            "is blank" | "is not blank" => (Operator::IsBlank, op == "is not blank"),
            "is true" | "is not true" => (Operator::IsTrue, op == "is not true"),
            "is false" | "is not false" => (Operator::IsFalse, op == "is not false"),
            "format is valid" | "format is invalid" => {
                (Operator::IsValid, op == "format is invalid")
            }
            "is obscene" | "is not obscene" => (Operator::IsObscene, op == "is not obscene"),
            "is equal to" | "is not equal to" => {
                (Operator::Equals(operand()?), op == "is not equal to")
            }
            "is less than" => (Operator::IsLess(operand()?), false),
            // Reports have these two without "to".
            "is greater than or equal to" | "is greater than or equal" => {
                (Operator::IsLess(operand()?), true)
            }
            "is greater than" => (Operator::IsGreater(operand()?), false),
            "is less than or equal to" | "is less than or equal" => {
                (Operator::IsGreater(operand()?), true)
            }
            "is included in" | "is not included in" => {
                let operands = match &self.rhv {
                    Some(Value::Array(items)) => items.iter().map(self::operand).collect(),
                    _ => operand().map(|one| vec![one]),
                };
                (
                    Operator::IsIncludedIn(operands?),
                    op == "is not included in",
                )
            }
            "includes" | "does not include" => {
                (Operator::Includes(operand()?), op == "does not include")
            }
            "is between" | "is not between" => {
                let (least, most) = self.rhv.as_ref().and_then(range).ok_or_else(|| {
                    format!("a rule with {op:?} needs two numbers, for example \"1-5\"")
                })?;
                (Operator::IsBetween(least, most), op == "is not between")
            }
            "matches pattern" | "does not match pattern" => {
                let pattern = self
                    .rhv
                    .as_ref()
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                let regex = Regex::new(pattern)
                    .map_err(|_| format!("the pattern of a rule with {op:?} is not valid"))?;
                (Operator::Matches(regex), op == "does not match pattern")
            }
            _ => return Err("a rule has an op that is not documented".to_owned()),
        })
    }
}

impl Rule {
    pub(crate) fn compile_all(rules: &[RuleText]) -> Result<Self, String> {
        let rules = rules.iter().map(RuleText::compile);
        Ok(Self::All(rules.collect::<Result<_, _>>()?))
    }

    /// Returns `true` if everything passes.
    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, Self::All(rules) if rules.is_empty())
    }

    pub(crate) fn passes(&self, lookup: Lookup<'_>) -> bool {
        match self {
            Self::All(rules) => rules.iter().all(|rule| rule.passes(lookup)),
            Self::Any(rules) => rules.iter().any(|rule| rule.passes(lookup)),
            Self::Compare(comparison) => comparison.passes(lookup),
        }
    }
}

impl Comparison {
    fn passes(&self, lookup: Lookup<'_>) -> bool {
        let value = lookup(&self.name);
        let text = value.as_ref().map(Scalar::text).unwrap_or_default();
        let compare = |other: &Operand, is_it: fn(&f64, &f64) -> bool| {
            let other = other.text(lookup);
            let numbers = number(&text).zip(other.and_then(|other| number(&other)));
            numbers.is_some_and(|(value, other)| is_it(&value, &other))
        };
        let passes = match &self.operator {
            Operator::IsBlank => text.trim().is_empty(),
            Operator::IsTrue => is_one_of(&text, &["y", "yes", "true", "t", "1"]),
            Operator::IsFalse => is_one_of(&text, &["n", "no", "false", "f", "0"]),
            // What is not there is neither valid nor invalid.
            Operator::IsValid => match lookup(&self.valid_name) {
                Some(is_valid) => is_valid == Scalar::Bool(true),
                None => !text.is_empty() || self.is_inverse,
            },
            Operator::IsObscene => false,
            Operator::Equals(other) => other.equals(&text, lookup),
            Operator::IsLess(other) => compare(other, f64::lt),
            Operator::IsGreater(other) => compare(other, f64::gt),
            Operator::IsIncludedIn(list) => list.iter().any(|other| other.equals(&text, lookup)),
            Operator::Includes(other) => other
                .text(lookup)
                .is_some_and(|other| text.to_lowercase().contains(&other.to_lowercase())),
            Operator::IsBetween(least, most) => {
                number(&text).is_some_and(|value| (*least..=*most).contains(&value))
            }
            Operator::Matches(regex) => regex.is_match(&text),
        };
        // Without numbers to compare, neither a comparison nor its inverse passes.
        let is_comparable = match &self.operator {
            Operator::IsLess(other) | Operator::IsGreater(other) => {
                number(&text).is_some()
                    && other.text(lookup).is_some_and(|it| number(&it).is_some())
            }
            _ => true,
        };
        is_comparable && passes != self.is_inverse
    }
}

impl Operand {
    fn text(&self, lookup: Lookup<'_>) -> Option<Cow<'_, str>> {
        match self {
            Self::Text(text) => Some(Cow::Borrowed(text)),
            Self::Variable(name) => lookup(name).map(|value| value.text().into_owned().into()),
        }
    }

    fn equals(&self, text: &str, lookup: Lookup<'_>) -> bool {
        let Some(other) = self.text(lookup) else {
            return false;
        };
        match (number(text), number(&other)) {
            (Some(one), Some(other)) => one.total_cmp(&other).is_eq(),
            _ => text.to_lowercase() == other.to_lowercase(),
        }
    }
}

fn operand(value: &Value) -> Result<Operand, String> {
    match value {
        Value::String(text) => Ok(match variable(text) {
            Some(name) => Operand::Variable(name.to_owned()),
            None => Operand::Text(text.clone()),
        }),
        Value::Number(_) | Value::Bool(_) => Ok(Operand::Text(value.to_string())),
        _ => Err("a rule has an rhv that is not a text, a number or a boolean".to_owned()),
    }
}

/// Returns the name in a template that is one variable alone: `{{lead.state}}`.
fn variable(template: &str) -> Option<&str> {
    let name = template.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    Some(name.trim())
}

fn is_one_of(text: &str, words: &[&str]) -> bool {
    words
        .iter()
        .any(|word| word.eq_ignore_ascii_case(text.trim()))
}

/// Returns a number, or the average of a range.
fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    if !text.ends_with(|last: char| last.is_ascii_digit()) {
        return None;
    }
    match text.parse::<f64>() {
        Ok(number) => Some(number),
        Err(_) => range_in_text(text).map(|(least, most)| f64::midpoint(least, most)),
    }
}

fn range_in_text(text: &str) -> Option<(f64, f64)> {
    // A minus sign can be at the start of the first number.
    let dash = text.get(1..)?.find('-')? + 1;
    let (least, most) = (text.get(..dash)?, text.get(dash + 1..)?);
    Some((least.trim().parse().ok()?, most.trim().parse().ok()?))
}

fn range(value: &Value) -> Option<(f64, f64)> {
    match value {
        Value::String(text) => range_in_text(text),
        Value::Array(items) => {
            let number = |item: &Value| match item {
                Value::String(text) => text.trim().parse().ok(),
                _ => item.as_f64(),
            };
            match items.as_slice() {
                [least, most] => Some((number(least)?, number(most)?)),
                _ => None,
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Rule, RuleText};
    use crate::scalar::Scalar;

    fn compile(rule: Value) -> Result<Rule, String> {
        let text: RuleText = serde_json::from_value(rule).unwrap();
        text.compile()
    }

    #[test]
    fn rules_do_what_the_vendor_documents() {
        let lookup = |name: &str| match name {
            "state" => Some(Scalar::from("TX")),
            "age" => Some(Scalar::Integer(35)),
            "income" => Some(Scalar::from("100-200")),
            "empty" => Some(Scalar::from("")),
            "agreed" => Some(Scalar::from("Yes")),
            "phone" => Some(Scalar::from("123")),
            "phone.valid" => Some(Scalar::Bool(false)),
            _ => None,
        };
        let table = [
            (
                json!({"lhv": "state", "op": "is equal to", "rhv": "tx"}),
                true,
            ),
            (
                json!({"lhv": "state", "op": "is not equal to", "rhv": "tx"}),
                false,
            ),
            (
                json!({"lhv": "nothing", "op": "is equal to", "rhv": "tx"}),
                false,
            ),
            (
                json!({"lhv": "nothing", "op": "is not equal to", "rhv": "tx"}),
                true,
            ),
            (
                json!({"lhv": "age", "op": "is equal to", "rhv": "35.0"}),
                true,
            ),
            (json!({"lhv": "age", "op": "is less than", "rhv": 36}), true),
            (
                json!({"lhv": "age", "op": "is less than or equal to", "rhv": 35}),
                true,
            ),
            (
                json!({"lhv": "age", "op": "is greater than", "rhv": 35}),
                false,
            ),
            (
                json!({"lhv": "age", "op": "is greater than or equal to", "rhv": 35}),
                true,
            ),
            (
                json!({"lhv": "state", "op": "is less than", "rhv": 36}),
                false,
            ),
            (
                json!({"lhv": "state", "op": "is greater than or equal to", "rhv": 36}),
                false,
            ),
            (
                json!({"lhv": "income", "op": "is greater than", "rhv": 149}),
                true,
            ),
            (
                json!({"lhv": "age", "op": "is between", "rhv": "35-40"}),
                true,
            ),
            (
                json!({"lhv": "age", "op": "is between", "rhv": [30, 34]}),
                false,
            ),
            (
                json!({"lhv": "age", "op": "is not between", "rhv": "30-34"}),
                true,
            ),
            (
                json!({"lhv": "state", "op": "is included in", "rhv": ["OK", "TX"]}),
                true,
            ),
            (
                json!({"lhv": "state", "op": "is not included in", "rhv": ["OK", "TX"]}),
                false,
            ),
            (json!({"lhv": "state", "op": "includes", "rhv": "x"}), true),
            (
                json!({"lhv": "state", "op": "does not include", "rhv": "x"}),
                false,
            ),
            (
                json!({"lhv": "state", "op": "matches pattern", "rhv": "^T.$"}),
                true,
            ),
            (
                json!({"lhv": "state", "op": "does not match pattern", "rhv": "^T.$"}),
                false,
            ),
            (json!({"lhv": "empty", "op": "is blank"}), true),
            (json!({"lhv": "nothing", "op": "is not blank"}), false),
            (json!({"lhv": "agreed", "op": "is true"}), true),
            (json!({"lhv": "agreed", "op": "is not true"}), false),
            (json!({"lhv": "agreed", "op": "is false"}), false),
            (json!({"lhv": "phone", "op": "format is invalid"}), true),
            (json!({"lhv": "state", "op": "format is valid"}), true),
            (json!({"lhv": "nothing", "op": "format is invalid"}), false),
            (json!({"lhv": "nothing", "op": "format is valid"}), false),
            (json!({"lhv": "state", "op": "is not obscene"}), true),
            (
                json!({"lhv": "{{state}}", "op": "is equal to", "rhv": "{{ state }}"}),
                true,
            ),
            (
                json!({"op": "or", "rules": [
                    {"lhv": "state", "op": "is blank"},
                    {"op": "and", "rules": [{"lhv": "age", "op": "is equal to", "rhv": 35}]},
                ]}),
                true,
            ),
            (
                json!({"lhv": "state", "op": "is not blank", "rule_set":
                {"op": "and", "rules": [{"lhv": "age", "op": "is blank"}]}}),
                false,
            ),
        ];
        for (rule, expected) in table {
            assert_eq!(
                compile(rule.clone()).unwrap().passes(&lookup),
                expected,
                "{rule}"
            );
        }
    }

    #[test]
    fn other_rules_are_refused() {
        for rule in [
            json!({"lhv": "state", "op": "is like", "rhv": "tx"}),
            json!({"op": "is blank"}),
            json!({"lhv": "state", "op": "is equal to", "rhv": {}}),
            json!({"lhv": "state", "op": "is between", "rhv": "x"}),
            json!({"lhv": "state", "op": "matches pattern", "rhv": "("}),
        ] {
            assert!(compile(rule.clone()).is_err(), "{rule}");
        }
    }
}
