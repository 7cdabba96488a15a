//! The catalog: what discovery prints, and what a catalog selects.

use std::path::Path;

use serde_json::{Value, json};

use super::file::Kind;
use super::schema;
use super::{KEY, STREAM};
use crate::failure::Failure;

const FILE: Kind = Kind {
    name: "catalog",
    hint: "give a catalog that `--discover` printed, with what you select changed",
};

/// Returns the catalog of this tap.
pub(super) fn discovered() -> Value {
    let of_stream = json!({
        "breadcrumb": [],
        "metadata": {
            "inclusion": "available",
            "selected-by-default": true,
            "table-key-properties": [KEY],
            "valid-replication-keys": [KEY],
            "forced-replication-method": "INCREMENTAL",
        },
    });
    let members = schema::names().map(|name| {
        let inclusion = match name {
            KEY => "automatic",
            _ => "available",
        };
        json!({"breadcrumb": ["properties", name], "metadata": {"inclusion": inclusion}})
    });
    let metadata: Vec<_> = std::iter::once(of_stream).chain(members).collect();
    json!({
        "streams": [{
            "tap_stream_id": STREAM,
            "stream": STREAM,
            "key_properties": [KEY],
            "replication_key": KEY,
            "replication_method": "INCREMENTAL",
            "schema": schema::of_events(&[]),
            "metadata": metadata,
        }],
    })
}

/// What a catalog selects.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Selection {
    /// The stream is selected.
    pub(super) is_selected: bool,
    /// The members that are not.
    pub(super) excluded: Vec<String>,
}

impl Selection {
    pub(super) const fn everything() -> Self {
        Self {
            is_selected: true,
            excluded: Vec::new(),
        }
    }

    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        Self::of(&FILE.read(path)?.unwrap_or_default())
    }

    fn of(catalog: &Value) -> Result<Self, Failure> {
        let streams = catalog["streams"].as_array();
        let streams = streams.ok_or_else(|| FILE.problem("has no list of streams"))?;
        let (ours, others): (Vec<_>, Vec<_>) = streams.iter().partition(|stream| {
            let id = stream.get("tap_stream_id").or_else(|| stream.get("stream"));
            id.is_some_and(|id| id == STREAM)
        });
        if others.into_iter().any(is_stream_selected) {
            return Err(FILE.problem("selects a stream that this tap does not have"));
        }
        let Some(stream) = ours.first() else {
            return Ok(Self {
                is_selected: false,
                excluded: Vec::new(),
            });
        };
        Ok(Self {
            is_selected: is_stream_selected(stream),
            excluded: metadata(stream).filter_map(excluded).collect(),
        })
    }
}

/// Returns the entries of a stream's metadata.
fn metadata(stream: &Value) -> impl Iterator<Item = &Value> {
    stream["metadata"].as_array().into_iter().flatten()
}

fn is_stream_selected(stream: &Value) -> bool {
    let mut entries = metadata(stream);
    let of_stream = entries.find(|entry| entry["breadcrumb"].as_array().is_some_and(Vec::is_empty));
    let by_metadata = of_stream.and_then(|entry| is_selected(&entry["metadata"]));
    // Older catalogs say it outside of the metadata.
    let older = || {
        let places = [&stream["selected"], &stream["schema"]["selected"]];
        places.into_iter().find_map(Value::as_bool)
    };
    by_metadata.or_else(older).unwrap_or(false)
}

/// Returns the member that an entry of metadata leaves out.
fn excluded(entry: &Value) -> Option<String> {
    let [first, name] = entry["breadcrumb"].as_array()?.as_slice() else {
        return None;
    };
    let name = name.as_str().filter(|name| *name != KEY)?;
    let metadata = &entry["metadata"];
    let is_excluded = match metadata["inclusion"].as_str() {
        Some("automatic") => false,
        Some("unsupported") => true,
        _ => is_selected(metadata) == Some(false),
    };
    (first == "properties" && is_excluded).then(|| name.to_owned())
}

/// Returns what metadata says of selection: what a person or a host chose, else what the tap proposed.
fn is_selected(metadata: &Value) -> Option<bool> {
    let chosen = metadata["selected"].as_bool();
    chosen.or_else(|| metadata["selected-by-default"].as_bool())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Selection, discovered};

    fn selected(catalog: &Value) -> Result<Selection, String> {
        Selection::of(catalog).map_err(|failure| failure.message)
    }

    fn catalog(metadata: &Value) -> Value {
        json!({"streams": [{"tap_stream_id": "events", "metadata": metadata}]})
    }

    #[test]
    fn the_catalog_of_discovery_selects_everything() {
        assert_eq!(selected(&discovered()), Ok(Selection::everything()));
    }

    #[test]
    fn streams_and_members_are_selected_by_metadata() {
        let of_stream = |metadata: Value| json!([{"breadcrumb": [], "metadata": metadata}]);
        for (catalog, is_selected) in [
            (json!({"streams": []}), false),
            (catalog(&json!([])), false),
            (catalog(&of_stream(json!({"selected": true}))), true),
            (
                catalog(&of_stream(
                    json!({"selected": false, "selected-by-default": true}),
                )),
                false,
            ),
            (
                json!({"streams": [{"stream": "events", "selected": true}]}),
                true,
            ),
            (
                json!({"streams": [{"stream": "events", "schema": {"selected": true}}]}),
                true,
            ),
            (
                json!({"streams": [{"stream": "flows", "selected": false}]}),
                false,
            ),
        ] {
            let found = selected(&catalog).unwrap();
            assert_eq!(found.is_selected, is_selected, "{catalog}");
        }
        let entry = |name: &str, metadata: Value| json!({"breadcrumb": ["properties", name], "metadata": metadata});
        let members = json!([
            {"breadcrumb": [], "metadata": {"selected": true}},
            entry("id", json!({"selected": false})),
            entry("vars", json!({"selected": false})),
            entry("request", json!({"selected": false, "inclusion": "automatic"})),
            entry("response", json!({"inclusion": "unsupported"})),
            entry("reason", json!({"inclusion": "available"})),
        ]);
        assert_eq!(
            selected(&catalog(&members)).unwrap().excluded,
            ["vars", "response"]
        );
    }

    #[test]
    fn a_catalog_that_selects_what_there_is_not_is_refused() {
        let other = json!({"streams": [{"stream": "flows", "selected": true}]});
        for (catalog, message) in [
            (
                other,
                "the catalog selects a stream that this tap does not have",
            ),
            (json!({}), "the catalog has no list of streams"),
            (json!(null), "the catalog has no list of streams"),
        ] {
            assert_eq!(selected(&catalog), Err(message.to_owned()));
        }
    }
}
