//! SuppressionList: is a value on a list, add and remove values, lists.
//!
//! Check one phone number:
//!
//! ```
//! use ap_api::ListName;
//! use ap_api::suppressionlist::Exists;
//! use ap_core::{Endpoint, Error};
//!
//! # fn call<E: Endpoint>(endpoint: E) -> Result<E::Output, Error> {
//! #     let body = r#"{"specified_lists":["do_not_call"],"key":"5125550100","found":false}"#;
//! #     let response = http::Response::builder().status(404).body(body.into()).unwrap();
//! #     endpoint.decode(response.into())
//! # }
//! let answer = call(Exists::new(ListName::parse("do_not_call")?, "5125550100"))?; // client.call(…)
//! if answer.found {
//!     println!("it is on {:?}", answer.exists_in_lists);
//! }
//! # assert!(!answer.found);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod exists;
mod items;
mod lists;

pub use exists::{Entry, Exists, ExistsAnswer};
pub use items::{AddItems, AddedItems, RemoveItems, RemovedItems};
pub use lists::{CreateList, ListType, Lists, SuppressionList};

use ap_core::Service;

use crate::ListName;
use crate::operation::Operation;
use crate::values::PathSegment;

const fn operation(
    method: &'static str,
    path: &'static str,
    source: &'static str,
    errors: &'static [u16],
) -> Operation {
    Operation::new(method, path, source, errors).of(Service::SuppressionList)
}

/// Several lists as one segment of a path.
#[derive(Clone)]
struct ListNames {
    joined: String,
    problem: Option<&'static str>,
}

impl ListNames {
    fn new(list: &ListName) -> Self {
        Self {
            joined: list.as_str().to_owned(),
            problem: list.problem(),
        }
    }

    fn push(&mut self, list: &ListName) {
        self.joined.push('|');
        self.joined.push_str(list.as_str());
        self.problem = self.problem.or_else(|| list.problem());
    }
}

impl PathSegment for ListNames {
    fn segment(&self) -> &str {
        &self.joined
    }

    fn problem(&self) -> Option<&'static str> {
        self.problem
    }
}
