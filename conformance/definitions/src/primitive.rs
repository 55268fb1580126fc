//! The primitive types of FHIR.

macro_rules! primitives {
    ($($variant:ident = $name:literal,)*) => {
        /// A primitive type.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Primitive {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
        }

        impl Primitive {
            /// Every primitive type, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name of the type.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

primitives! {
    Base64Binary = "base64Binary",
    Boolean = "boolean",
    Canonical = "canonical",
    Code = "code",
    Date = "date",
    DateTime = "dateTime",
    Decimal = "decimal",
    Id = "id",
    Instant = "instant",
    Integer = "integer",
    Integer64 = "integer64",
    Markdown = "markdown",
    Oid = "oid",
    PositiveInt = "positiveInt",
    String = "string",
    Time = "time",
    UnsignedInt = "unsignedInt",
    Uri = "uri",
    Url = "url",
    Uuid = "uuid",
    Xhtml = "xhtml",
}

impl Primitive {
    /// The primitive of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|known| known.name() == name)
    }

    /// Its number in the tables: from 1, because 0 says that an element is no primitive.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8 + 1
    }

    /// The primitive with that number.
    #[inline]
    #[must_use]
    pub fn numbered(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number).checked_sub(1)?).copied()
    }
}
