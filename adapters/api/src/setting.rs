//! Settings with a unit, and secrets: the values that every adapter's settings are made of.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::path::PathBuf;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

/// A length of time, written with its unit: `250ms`, `2s`, `5min`, `1h`, `30d`. Is a [`std::time::Duration`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Duration(pub std::time::Duration);

/// A number of bytes, written with its unit: `512B`, `64KiB`, `2MiB`, `1GiB`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Size(pub u64);

/// A text that is not a quantity with a unit; says what was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// Not a length of time.
    #[error("`{0}` is not a length of time, expected a whole number with a unit: `250ms`, `2s`, `5min`, `1h`, `30d`")]
    Duration(String),
    /// Not a number of bytes.
    #[error("`{0}` is not a size, expected a whole number with a unit: `512B`, `64KiB`, `2MiB`, `1GiB`")]
    Size(String),
}

const TIME_UNITS: &[(&str, u64)] = &[("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("ms", 1), ("s", 1000)];
const SIZE_UNITS: &[(&str, u64)] = &[("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

impl Duration {
    /// That many milliseconds.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(std::time::Duration::from_millis(millis))
    }

    /// That many seconds.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(std::time::Duration::from_secs(seconds))
    }
}

impl Size {
    /// That many times 1024 bytes.
    #[must_use]
    pub const fn from_kib(kib: u64) -> Self {
        Self(kib << 10)
    }

    /// That many times 1024 KiB.
    #[must_use]
    pub const fn from_mib(mib: u64) -> Self {
        Self(mib << 20)
    }

    /// The number of bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }

    /// The number of bytes for what is counted in memory; at most `usize::MAX`.
    #[must_use]
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl Deref for Duration {
    type Target = std::time::Duration;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl From<Duration> for std::time::Duration {
    fn from(duration: Duration) -> Self {
        duration.0
    }
}

impl FromStr for Duration {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        quantity(text, TIME_UNITS).map(Self::from_millis).ok_or_else(|| QuantityError::Duration(text.to_owned()))
    }
}

impl FromStr for Size {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        quantity(text, SIZE_UNITS).map(Self).ok_or_else(|| QuantityError::Size(text.to_owned()))
    }
}

/// The number times its unit; `None` for another unit, no unit, no number or an overflow.
fn quantity(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.find(|letter: char| !letter.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

/// The largest unit that divides the number, so that what is printed can be pasted back.
fn write_quantity(f: &mut fmt::Formatter<'_>, number: u64, units: &[(&str, u64)], smallest: &str) -> fmt::Result {
    let mut fitting = units.iter().filter(|(_, factor)| number != 0 && number.is_multiple_of(*factor));
    match fitting.by_ref().max_by_key(|(_, factor)| *factor) {
        Some((name, factor)) => write!(f, "{}{name}", number / factor),
        None => write!(f, "{number}{smallest}"),
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_quantity(f, u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX), TIME_UNITS, "ms")
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_quantity(f, self.0, SIZE_UNITS, "B")
    }
}

impl fmt::Debug for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Text in the configuration that is parsed into a value; the schema knows it by its pattern.
macro_rules! from_text {
    ($type:ident, $expected:literal, $pattern:literal) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Visitor;
                impl serde::de::Visitor<'_> for Visitor {
                    type Value = $type;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expected)
                    }

                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$type, E> {
                        text.parse().map_err(E::custom)
                    }
                }
                deserializer.deserialize_str(Visitor)
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern, "description": $expected })
            }
        }
    };
}

from_text!(
    Duration,
    "a whole number with a unit of time such as \"250ms\", \"2s\", \"5min\", \"1h\", \"30d\"",
    "^[0-9]+ *(ms|s|min|h|d)$"
);
from_text!(
    Size,
    "a whole number with a unit of size such as \"512B\", \"64KiB\", \"2MiB\", \"1GiB\"",
    "^[0-9]+ *(B|KiB|MiB|GiB)$"
);

/// How the error begins when a secret itself stands in the configuration; whoever shows that place must mask it.
pub const SECRET_IN_PLAIN: &str = "a secret does not stand in the configuration itself";

/// Where a secret lies. The configuration never holds the secret itself.
#[derive(Clone, PartialEq, Eq, serde::Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Secret {
    /// The content of this file, without a line break at its end.
    File(PathBuf),
    /// The value of this environment variable.
    Env(String),
}

/// A secret that was read. Prints itself as `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(String);

/// Why a secret cannot be read. Never says what was in it.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file.
    #[error("cannot read the secret file {path}: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The variable.
    #[error("the environment variable `{0}` is not set, or is not UTF-8")]
    Env(String),
    /// Nothing in it.
    #[error("the secret is empty")]
    Empty,
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SecretVisitor)
    }
}

struct SecretVisitor;

impl<'de> serde::de::Visitor<'de> for SecretVisitor {
    type Value = Secret;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{ file = \"…\" } or { env = \"…\" }")
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<Secret, E> {
        Err(E::custom(format!("{SECRET_IN_PLAIN}, expected {{ file = \"…\" }} or {{ env = \"…\" }}")))
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Secret, A::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "kebab-case")]
        enum Place {
            File(PathBuf),
            Env(String),
        }
        Place::deserialize(serde::de::value::MapAccessDeserializer::new(map)).map(|place| match place {
            Place::File(path) => Secret::File(path),
            Place::Env(name) => Secret::Env(name),
        })
    }
}

impl Secret {
    /// Reads it.
    ///
    /// # Errors
    /// The file or the variable cannot be read, or is empty.
    pub fn read(&self) -> Result<SecretText, SecretError> {
        let text = match self {
            Self::File(path) => std::fs::read_to_string(path)
                .map_err(|source| SecretError::File { path: path.clone(), source })?
                .trim_end_matches(['\r', '\n'])
                .to_owned(),
            Self::Env(name) => std::env::var(name).map_err(|_| SecretError::Env(name.clone()))?,
        };
        if text.is_empty() { Err(SecretError::Empty) } else { Ok(SecretText(text)) }
    }
}

impl SecretText {
    /// The secret itself, for the one place that needs it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(_) => f.write_str("Secret(file)"),
            Self::Env(_) => f.write_str("Secret(env)"),
        }
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantity_needs_a_number_and_a_unit() {
        assert_eq!("2s".parse(), Ok(Duration::from_secs(2)));
        assert_eq!("5min".parse(), Ok(Duration::from_secs(300)));
        assert_eq!("2MiB".parse(), Ok(Size(2 << 20)));
        for wrong in ["", "2", "s", "2 parsecs", "-1s", "1.5s", "99999999999999999999s", "2MB", "9999999999999999d"] {
            assert!(wrong.parse::<Duration>().is_err(), "{wrong}");
            assert!(wrong.parse::<Size>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_quantity_prints_as_it_can_be_read_back() {
        for text in ["250ms", "2s", "90s", "5min", "1h", "30d", "0ms"] {
            assert_eq!(text.parse::<Duration>().unwrap().to_string(), text);
        }
        for text in ["0B", "512B", "64KiB", "2MiB", "1GiB"] {
            assert_eq!(text.parse::<Size>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_secret_never_prints_itself() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, "hunter2\n").unwrap();
        let secret = Secret::File(path);
        let text = secret.read().unwrap();
        assert_eq!(text.reveal(), "hunter2");
        assert!(!format!("{secret:?}{text:?}").contains("hunter2"));
    }
}
