//! What of a Patient tells who it is.

use fhir::json::{Document, Limits, Value, scan};

/// Elements of one kind that are looked at: each is compared with each of the other's.
const MOST: usize = 12;
/// Characters of a text that are compared.
const LONGEST: usize = 64;

/// Who a record is about, in the forms in which records are compared. Its `Debug` shows nothing of it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Person {
    /// The logical id, when it has one.
    pub id: Option<String>,
    /// `Patient.identifier`.
    pub identifiers: Vec<Identifier>,
    /// `Patient.name`.
    pub names: Vec<Name>,
    /// `Patient.birthDate`, as precise as it is.
    pub birth_date: Option<String>,
    /// `Patient.gender`, when it is `male` or `female`: the others may stand for either.
    pub gender: Option<String>,
    /// Phone numbers as they are written.
    pub phones: Vec<String>,
    /// Mail addresses in lower case.
    pub emails: Vec<String>,
    /// `Patient.address`.
    pub addresses: Vec<Address>,
    /// Whether another record has taken its place (`link.type` is `replaced-by`).
    pub is_replaced: bool,
}

/// An identifier with a value.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Identifier {
    /// Its namespace.
    pub system: Option<String>,
    /// Its value.
    pub value: String,
    /// The first code of its type.
    pub kind: Option<String>,
    /// Whether it is in use no more: it can agree and not contradict.
    pub is_old: bool,
}

/// A name, folded, in words.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Name {
    /// As it is written, for searches.
    pub family: Option<String>,
    /// The first given name as it is written, for searches.
    pub given: Option<String>,
    /// Words of the family name.
    pub family_words: Vec<String>,
    /// Words of all given names.
    pub given_words: Vec<String>,
}

/// An address, folded.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Address {
    /// Letters and digits of the postal code.
    pub postal_code: Option<String>,
    /// The town.
    pub city: Option<String>,
    /// Street and house.
    pub line: Option<String>,
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Person(…)")
    }
}

impl Person {
    /// Reads a Patient; none for what is none.
    #[must_use]
    pub fn read(patient: &[u8]) -> Option<Self> {
        let mut nodes = Vec::new();
        scan(patient, &mut nodes, Limits::default()).ok()?;
        let root = Document::new(patient, &nodes).root()?;
        (text(root, "resourceType")? == "Patient").then(|| Self::of(root))
    }

    fn of(root: Value<'_>) -> Self {
        let telecoms = |system: &'static str| {
            let is = move |telecom: &Value<'_>| text(*telecom, "system").is_some_and(|found| found == system);
            all(root, "telecom").filter(is).filter_map(|telecom| text(telecom, "value"))
        };
        let is_replaced = |link: Value<'_>| text(link, "type").is_some_and(|kind| kind == "replaced-by");
        Self {
            id: text(root, "id"),
            identifiers: all(root, "identifier").filter_map(Identifier::of).take(MOST).collect(),
            names: all(root, "name").filter_map(Name::of).take(MOST).collect(),
            birth_date: text(root, "birthDate"),
            gender: text(root, "gender").filter(|code| matches!(code.as_str(), "male" | "female")),
            phones: telecoms("phone").chain(telecoms("sms")).take(MOST).collect(),
            emails: telecoms("email").map(|email| email.to_lowercase()).take(MOST).collect(),
            addresses: all(root, "address").filter_map(Address::of).take(MOST).collect(),
            is_replaced: all(root, "link").any(is_replaced),
        }
    }

    /// Whether there is anything by which somebody could be found: an identifier, a name, a date of birth, a phone or a mail address.
    #[must_use]
    pub fn is_somebody(&self) -> bool {
        let has_name = self.names.iter().any(|name| name.family.is_some() || name.given.is_some());
        let has_telecom = !self.phones.is_empty() || !self.emails.is_empty();
        !self.identifiers.is_empty() || has_name || self.birth_date.is_some() || has_telecom
    }
}

impl Identifier {
    fn of(identifier: Value<'_>) -> Option<Self> {
        let coding = identifier.member("type").and_then(|kind| all(kind, "coding").next());
        Some(Self {
            system: text(identifier, "system"),
            value: text(identifier, "value")?,
            kind: coding.and_then(|coding| text(coding, "code")),
            is_old: text(identifier, "use").is_some_and(|used| used == "old"),
        })
    }
}

impl Name {
    fn of(name: Value<'_>) -> Option<Self> {
        let family = text(name, "family");
        let given: Vec<String> = all(name, "given").filter_map(string).collect();
        let words = |text: &String| words(text);
        let read = Self {
            family_words: family.iter().flat_map(words).take(MOST).collect(),
            given_words: given.iter().flat_map(words).take(MOST).collect(),
            given: given.into_iter().next(),
            family,
        };
        (read.family.is_some() || read.given.is_some()).then_some(read)
    }
}

impl Address {
    fn of(address: Value<'_>) -> Option<Self> {
        let lines: Vec<String> = all(address, "line").filter_map(string).collect();
        let read = Self {
            postal_code: text(address, "postalCode").map(|code| letters(&code)).filter(|code| !code.is_empty()),
            city: text(address, "city").map(|city| words(&city).join(" ")).filter(|city| !city.is_empty()),
            line: Some(words(&lines.join(" ")).join(" ")).filter(|line| !line.is_empty()),
        };
        (read != Self::default()).then_some(read)
    }
}

/// The words of a text, without case, accents and punctuation.
fn words(text: &str) -> Vec<String> {
    let folded = search::fold(text);
    let words = folded.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(|word| word.chars().take(LONGEST).collect()).take(MOST).collect()
}

fn letters(text: &str) -> String {
    search::fold(text).chars().filter(|character| character.is_alphanumeric()).take(LONGEST).collect()
}

fn all<'a>(object: Value<'a>, name: &str) -> impl Iterator<Item = Value<'a>> {
    object.member(name).into_iter().flat_map(Value::items)
}

fn text(object: Value<'_>, name: &str) -> Option<String> {
    object.member(name).and_then(string)
}

fn string(value: Value<'_>) -> Option<String> {
    let text = value.text()?;
    let trimmed = text.trim();
    (!trimmed.is_empty()).then(|| trimmed.to_owned())
}
