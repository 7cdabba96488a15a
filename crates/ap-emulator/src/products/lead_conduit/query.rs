//! [`Query`]: the parameters of a request's query.

use http::Uri;

/// The parameters of a query, decoded, in their order. One that occurs more often is a list.
#[derive(Debug, Default)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn of(uri: &Uri) -> Self {
        let parameters = axum::extract::Query::try_from_uri(uri);
        Self(
            parameters
                .map(|axum::extract::Query(all)| all)
                .unwrap_or_default(),
        )
    }

    /// Returns every value of a parameter.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.0.iter().filter(move |(own, _)| own == name);
        named.map(|(_, value)| value.as_str())
    }

    /// Returns the last value of a parameter.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).last()
    }
}
