//! What is asked and what is answered.

/// A code, as an element of type `code`, `Coding` or `Quantity` has it.
#[derive(Clone, Copy, Default)]
pub struct Coding<'c> {
    /// The canonical of its code system. None for an element of type `code`: then any system of the value set will do.
    pub system: Option<&'c str>,
    /// The version of the code system, when the coding states one.
    pub version: Option<&'c str>,
    /// The code, as written.
    pub code: &'c str,
    /// The words for it. Membership does not ask for them.
    pub display: Option<&'c str>,
}

impl<'c> Coding<'c> {
    /// A code without a system.
    #[must_use]
    pub const fn of_code(code: &'c str) -> Self {
        Self { system: None, version: None, code, display: None }
    }

    /// A code of a system.
    #[must_use]
    pub const fn of(system: &'c str, code: &'c str) -> Self {
        Self { system: Some(system), version: None, code, display: None }
    }
}

/// Whether a value set has a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership<'t> {
    /// It has.
    In,
    /// It has not.
    NotIn,
    /// Nobody here can say.
    Unknown(Why<'t>),
}

/// Why nobody here can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why<'t> {
    /// The value set is not known, or not in that version.
    ValueSet(&'t str),
    /// The code system is not known, or not in that version.
    System(&'t str),
    /// The code system is known by name, its codes are not, or not all of them.
    NoContent(&'t str),
    /// The value set filters by this property, which nothing here can evaluate.
    Filter(&'t str),
    /// Value sets that import each other too deeply or too often.
    TooDeep,
}

/// Whether a code system has a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup<'t> {
    /// It has.
    Known(Known<'t>),
    /// It has all its codes here, and this is none of them.
    NotThere,
    /// No such code system here, or not in that version.
    UnknownSystem,
    /// The code system is known by name, its codes are not, or not all of them.
    NoContent,
}

/// What a code system says of a code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known<'t> {
    /// The code as the code system spells it; none for a code that is told by its form.
    pub code: Option<&'t str>,
    /// The preferred words for it, when there are any.
    pub display: Option<&'t str>,
    /// Other words for it that the code system has.
    pub designations: &'t [std::borrow::Cow<'static, str>],
    /// Whether it is not to be used any more (inactive, retired).
    pub is_inactive: bool,
    /// Whether it is discouraged (deprecated).
    pub is_deprecated: bool,
    /// Whether it only groups others and is not to be chosen (notSelectable).
    pub is_abstract: bool,
}

impl Known<'_> {
    /// Whether these are words for the code: those of the code system, in whatever case and spacing. True where the code
    /// system has none.
    #[must_use]
    pub fn has_display(&self, display: &str) -> bool {
        let mut known = self.display.into_iter().chain(self.designations.iter().map(|words| &**words)).peekable();
        known.peek().is_none() || known.any(|words| is_alike(words, display))
    }
}

/// Equal but for case and white space.
fn is_alike(left: &str, right: &str) -> bool {
    left == right || folded(left).eq(folded(right))
}

fn folded(text: &str) -> impl Iterator<Item = char> {
    let words = text.split_whitespace();
    words.flat_map(|word| word.chars().chain([' '])).flat_map(char::to_lowercase)
}

/// How two codes of one code system stand to each other (codesystem-operation-subsumes).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subsumption {
    /// They are the same concept.
    Equivalent,
    /// The first is an ancestor of the second.
    Subsumes,
    /// The first is a descendant of the second.
    SubsumedBy,
    /// Neither.
    NotSubsumed,
}

/// The codes of a value set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expansion<'t> {
    /// All of them that meet the filter, as many as were asked for.
    Codes {
        /// In the order of the value set.
        codes: Vec<Listed<'t>>,
        /// How many there are in all.
        total: usize,
    },
    /// More than 100,000.
    TooCostly,
    /// They cannot be listed here.
    Unknown(Why<'t>),
}

/// A code of an expansion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed<'t> {
    /// The canonical of its code system.
    pub system: &'t str,
    /// The code.
    pub code: &'t str,
    /// The words for it, when known.
    pub display: Option<&'t str>,
    /// Whether it only groups others.
    pub is_abstract: bool,
    /// Whether it is not to be used any more.
    pub is_inactive: bool,
}
