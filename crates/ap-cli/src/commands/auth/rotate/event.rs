//! [`Event`]: what a rotation prints while it happens, for people or as JSON.

use activeprospect::{ApiKey, Product};
use serde::Serialize;

use super::product_state::{ProductState, WatchedProduct};
use crate::commands::auth::product_check::label;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::output::{self, Printed};

/// Something that has happened.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Event<'a> {
    Stored {
        keys: usize,
        file: String,
    },
    Product {
        product: &'static str,
        status: ProductState,
        subscribed: Option<bool>,
        key: Option<&'a str>,
        http_status: Option<u16>,
        log_in_at: Option<&'a str>,
        #[serde(skip)]
        name: Product,
        #[serde(skip)]
        description: String,
    },
    Reordered,
    Done {
        forgotten: usize,
    },
    Stopped {
        exit_code: u8,
        behind: Vec<&'static str>,
    },
}

impl<'a> Event<'a> {
    pub(super) fn of_product(watched: &'a WatchedProduct, keys: &'a [ApiKey]) -> Self {
        let check = &watched.check;
        let accepted = check.accepted_key().and_then(|key| keys.get(key));
        let is_behind = watched.state == ProductState::AcceptsOld;
        Event::Product {
            product: check.product.id(),
            status: watched.state,
            subscribed: check.is_subscribed,
            key: accepted.map(label),
            http_status: check.status().map(|status| status.as_u16()),
            log_in_at: is_behind.then_some(check.login_url.as_str()),
            name: check.product,
            description: watched.describe(),
        }
    }

    /// Returns the line for people; `None` if they read it elsewhere.
    fn line(&self) -> Option<String> {
        Some(match self {
            Event::Stored { file, .. } => {
                format!("the new key is stored beside the old one in {file}")
            }
            Event::Product {
                name, description, ..
            } => format!("{name:<16} {description}"),
            Event::Reordered => "the keys were in the wrong order, which is corrected".to_owned(),
            Event::Done { forgotten: 0 } => "every product accepts the new key".to_owned(),
            Event::Done { .. } => {
                "every product accepts the new key; the old one is removed".to_owned()
            }
            Event::Stopped { .. } => return None,
        })
    }
}

/// Prints events: lines for people, or one JSON object a line.
pub(super) struct EventPrinter {
    pub(super) is_json: bool,
}

impl EventPrinter {
    pub(super) fn print(&self, event: &Event<'_>) -> Result<(), Failure> {
        let text = if self.is_json {
            output::json_line(event)?
        } else {
            match event.line() {
                Some(line) => line + "\n",
                None => return Ok(()),
            }
        };
        match output::print(text.as_bytes())? {
            Printed::All => Ok(()),
            // The rotation has not finished, so this is no success.
            Printed::ReaderGone => Err(Failure::new(
                ExitCode::Behind,
                "the program that reads the output has ended",
                "run `ap auth rotate` again to resume; no key is lost",
            )),
        }
    }

    /// Prints a remark for people to standard error.
    pub(super) fn remark(&self, line: &str) {
        if !self.is_json {
            output::eprintln(line);
        }
    }
}
