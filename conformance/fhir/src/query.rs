//! The parameters of a search or a condition, as the client wrote them: decoded, in order, repeats kept.

use std::fmt;

use form_urlencoded::{Serializer, parse};

/// What to do with a search parameter that is not known or not offered (`Prefer: handling`, search.html#errors).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Handling {
    /// Refuse the search.
    #[default]
    Strict,
    /// Search without it, and say so.
    Lenient,
}

/// Decoded name-value pairs of a query. Its `Debug` shows names only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Decodes `name=value&name=value` (application/x-www-form-urlencoded).
    #[must_use]
    pub fn parse(encoded: &str) -> Self {
        Self(parse(encoded.as_bytes()).map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// The pairs in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The first value of a parameter.
    #[must_use]
    pub fn first(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Every value of a parameter.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.iter().filter(move |(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Adds a pair.
    pub fn push(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.push((name.into(), value.into()));
    }

    /// Takes every pair of a parameter out.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(known, _)| known != name);
    }

    /// The pairs whose names are kept.
    #[must_use]
    pub fn filtered(&self, keeps: impl Fn(&str) -> bool) -> Self {
        Self(self.0.iter().filter(|(name, _)| keeps(name)).cloned().collect())
    }

    /// Whether there is no pair.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many pairs there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Encodes it again.
    #[must_use]
    pub fn encode(&self) -> String {
        Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }
}

impl FromIterator<(String, String)> for Query {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(pairs: T) -> Self {
        Self(pairs.into_iter().collect())
    }
}

impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_repeats_survive() {
        let query = Query::parse("date=ge2024-01-01&date=lt2025&name=O%27Neil");
        assert_eq!(query.all("date").collect::<Vec<_>>(), ["ge2024-01-01", "lt2025"]);
        assert_eq!(query.first("name"), Some("O'Neil"));
        assert_eq!(query.encode(), "date=ge2024-01-01&date=lt2025&name=O%27Neil");
        assert_eq!(format!("{query:?}"), r#"["date", "date", "name"]"#);
    }
}
