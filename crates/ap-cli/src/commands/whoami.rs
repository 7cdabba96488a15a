//! `ap whoami`: the user whose key it is.

use activeprospect::Endpoint as _;
use activeprospect::api::account::user::Get;

use super::selection::Columns;
use super::single_call::{CallOptions, SingleCall};
use crate::failure::Failure;
use crate::options::GlobalOptions;
use crate::output::Printed;

const COLUMNS: Columns<'_> = &[
    ("id", "/id"),
    ("first name", "/first_name"),
    ("last name", "/last_name"),
    ("email", "/email"),
    ("account", "/accounts/name"),
    ("products", "/products/name"),
    ("admin", "/user_admin"),
];

pub(crate) fn run(call: &CallOptions, options: &GlobalOptions) -> Result<Printed, Failure> {
    SingleCall::new(Get::new().draft(), COLUMNS).run(call, options)
}
