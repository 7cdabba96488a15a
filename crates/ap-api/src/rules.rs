//! Rules: which events a list has, which leads a step or a cap applies to.

use serde_json::Value;

use crate::values::ShortId;
use crate::values::object::object;
use crate::values::open_enum::open_enum;

open_enum! {
    /// How a rule compares, or how a rule set joins its rules.
    ///
    /// Texts are compared without regard to case. Ranges are compared by their average. `IsBetween` includes both ends.
    pub enum Operator {
        /// All rules must pass.
        And = "and",
        /// One rule must pass.
        Or = "or",
        /// The value is the same.
        IsEqualTo = "is equal to",
        /// The value is another one.
        IsNotEqualTo = "is not equal to",
        /// The value is less.
        IsLessThan = "is less than",
        /// The value is not greater.
        IsLessThanOrEqualTo = "is less than or equal to",
        /// The value is greater.
        IsGreaterThan = "is greater than",
        /// The value is not less.
        IsGreaterThanOrEqualTo = "is greater than or equal to",
        /// The value is one of a list.
        IsIncludedIn = "is included in",
        /// The value is not one of a list.
        IsNotIncludedIn = "is not included in",
        /// The value contains a text.
        Includes = "includes",
        /// The value does not contain a text.
        DoesNotInclude = "does not include",
        /// The value is in a range.
        IsBetween = "is between",
        /// The value is outside a range.
        IsNotBetween = "is not between",
        /// The value matches a regular expression.
        MatchesPattern = "matches pattern",
        /// The value does not match a regular expression.
        DoesNotMatchPattern = "does not match pattern",
        /// There is no value.
        IsBlank = "is blank",
        /// There is a value.
        IsNotBlank = "is not blank",
        /// The value is true.
        IsTrue = "is true",
        /// The value is false.
        IsFalse = "is false",
        /// The value is not true.
        IsNotTrue = "is not true",
        /// The value is not false.
        IsNotFalse = "is not false",
        /// The value has the form of its type.
        FormatIsValid = "format is valid",
        /// The value does not have the form of its type.
        FormatIsInvalid = "format is invalid",
        /// The value is obscene.
        IsObscene = "is obscene",
        /// The value is not obscene.
        IsNotObscene = "is not obscene",
    }
}

object! {
    /// A rule, or a set of rules inside another one.
    ///
    /// ```
    /// use ap_api::rules::{Operator, Rule};
    ///
    /// let rule = Rule::new("vars.lead.state", Operator::IsIncludedIn, ["TX", "OK"].as_slice());
    /// let text = serde_json::to_string(&rule)?;
    /// assert_eq!(text, r#"{"lhv":"vars.lead.state","op":"is included in","rhv":["TX","OK"]}"#);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub struct Rule {
        /// Its id in the flow.
        pub id: Option<ShortId>,
        /// What is compared: the name of a member, or a template.
        pub lhv: Option<String>,
        /// How it is compared. `And` and `Or` for a set of rules.
        pub op: Operator,
        /// What it is compared with: a text, a number, a boolean or a list.
        pub rhv: Option<Value>,
        /// Rules that must pass as well.
        pub rule_set: Option<Box<RuleSet>>,
        /// The rules of a set.
        pub rules: Option<Vec<Rule>>,
    }

    /// Rules that are joined by "and" or "or".
    #[must_use]
    pub struct RuleSet {
        /// Its id in the flow.
        pub id: Option<ShortId>,
        /// How the rules are joined.
        pub op: Operator,
        /// The rules, at least one.
        pub rules: Vec<Rule>,
    }
}

impl Rule {
    /// Creates a rule that compares with a value.
    #[must_use]
    pub fn new(lhv: impl Into<String>, op: Operator, rhv: impl Into<Value>) -> Self {
        Self {
            rhv: Some(rhv.into()),
            ..Self::unary(lhv, op)
        }
    }

    /// Creates a rule that needs no value, such as [`Operator::IsBlank`].
    #[must_use]
    pub fn unary(lhv: impl Into<String>, op: Operator) -> Self {
        Self {
            id: None,
            lhv: Some(lhv.into()),
            op,
            rhv: None,
            rule_set: None,
            rules: None,
            extra: crate::Extra::default(),
        }
    }
}

impl RuleSet {
    /// Creates a set that passes if all rules pass.
    pub fn all(rules: impl IntoIterator<Item = Rule>) -> Self {
        Self {
            id: None,
            op: Operator::And,
            rules: rules.into_iter().collect(),
            extra: crate::Extra::default(),
        }
    }

    /// Creates a set that passes if one rule passes.
    pub fn any(rules: impl IntoIterator<Item = Rule>) -> Self {
        Self {
            op: Operator::Or,
            ..Self::all(rules)
        }
    }
}

/// As a rule of another set.
impl From<RuleSet> for Rule {
    fn from(set: RuleSet) -> Self {
        Self {
            id: set.id,
            lhv: None,
            op: set.op,
            rhv: None,
            rule_set: None,
            rules: Some(set.rules),
            extra: set.extra,
        }
    }
}
