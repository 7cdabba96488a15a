//! [`NewList`]: the parameters of a list to create.

use serde::Deserialize;

use crate::request_body;

/// The parameters of a list to create. How the vendor refuses others is not documented.
#[derive(Debug, Default, Deserialize)]
pub(super) struct NewList {
    pub(super) name: String,
    /// How long the list keeps a value, in seconds.
    pub(super) ttl: Option<u64>,
}

impl NewList {
    pub(super) fn parse(is_form: bool, body: &[u8]) -> Result<Self, &'static str> {
        if !is_form {
            return serde_json::from_slice(body).map_err(
                |_| "a list is a JSON object with a name, and a ttl in whole seconds or null",
            );
        }
        let mut list = Self::default();
        for (name, value) in request_body::form_members(body) {
            match name.as_str() {
                "name" => list.name = value,
                "ttl" if value.is_empty() => list.ttl = None,
                "ttl" => {
                    let ttl = value
                        .parse()
                        .map_err(|_| "the ttl is not in whole seconds")?;
                    list.ttl = Some(ttl);
                }
                _ => {}
            }
        }
        Ok(list)
    }
}
