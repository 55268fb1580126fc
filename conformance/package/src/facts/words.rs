//! How single facts are spelled.

use crate::canonical::CORE;
use crate::structure::{ContextType, Derivation, DiscriminatorType, Rules, Strength, StructureKind};

/// A table of names: the same in both directions.
macro_rules! spelled {
    ($($type:ty, $to:ident, $from:ident { $($value:ident = $word:literal,)* })*) => {$(
        pub(super) const fn $to(value: $type) -> &'static str {
            match value {
                $(<$type>::$value => $word,)*
            }
        }

        pub(super) fn $from(word: &str) -> Option<$type> {
            match word {
                $($word => Some(<$type>::$value),)*
                _ => None,
            }
        }
    )*};
}

spelled! {
    StructureKind, kind, kind_of { Primitive = "primitive", Complex = "complex", Resource = "resource", Logical = "logical", }
    Derivation, derivation, derivation_of { Specialization = "specialization", Constraint = "constraint", }
    ContextType, context, context_of { Element = "element", Extension = "extension", Fhirpath = "fhirpath", }
    Strength, strength, strength_of {
        Example = "example", Preferred = "preferred", Extensible = "extensible", Required = "required",
    }
    Rules, rules, rules_of { Closed = "closed", Open = "open", OpenAtEnd = "open-at-end", }
    DiscriminatorType, discriminator, discriminator_of {
        Value = "value", Exists = "exists", Pattern = "pattern", Type = "type", Profile = "profile", Position = "position",
    }
}

/// A canonical, shorter for what the specification defines.
pub(super) fn short(canonical: &str) -> String {
    match canonical.strip_prefix(CORE) {
        Some(name) if !name.is_empty() && !name.contains(':') && !name.starts_with('=') => name.to_owned(),
        _ if canonical.contains(':') && !canonical.starts_with('=') => canonical.to_owned(),
        _ => format!("={canonical}"),
    }
}

/// The canonical that [`short`] shortened.
pub(super) fn long(word: &str) -> String {
    match word.strip_prefix('=') {
        Some(written) => written.to_owned(),
        None if word.contains(':') => word.to_owned(),
        None => format!("{CORE}{word}"),
    }
}

/// A text on one line.
pub(super) fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r")
}

/// The text that [`escaped`] put on one line.
pub(super) fn unescaped(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(char) = chars.next() {
        match char {
            '\\' => out.push(match chars.next() {
                Some('n') => '\n',
                Some('r') => '\r',
                Some(other) => other,
                None => '\\',
            }),
            other => out.push(other),
        }
    }
    out
}
