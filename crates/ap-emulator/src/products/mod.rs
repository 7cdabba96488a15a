//! The products' own routes.

pub(crate) mod lead_conduit;
pub(crate) mod suppression_list;
pub(crate) mod trusted_form;
