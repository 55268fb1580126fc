//! The path of an element, as settings write it: `name[0].family`.

use definitions::{Definitions, ElementId, Primitive};

use super::tree::Tree;

/// A path that the definitions know.
#[derive(Clone, Debug)]
pub(crate) struct ElementPath {
    segments: Vec<Segment>,
    /// The last element.
    pub(crate) element: ElementId,
    pub(crate) primitive: Option<Primitive>,
    /// The same in FHIRPath.
    pub(crate) expression: String,
}

#[derive(Clone, Debug)]
struct Segment {
    name: String,
    is_list: bool,
    index: Option<usize>,
}

/// The most parts, and the largest number in brackets.
const MOST_SEGMENTS: usize = 16;
const LARGEST_INDEX: usize = 31;

impl ElementPath {
    /// Reads a path below an element.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn read(text: &str, parent: ElementId, definitions: &'static Definitions) -> Result<Self, String> {
        let mut element = parent;
        let (mut segments, mut expressions, mut primitive) = (Vec::new(), Vec::new(), None);
        for part in text.split('.') {
            let (name, index) = numbered(part).ok_or_else(|| format!("`{part}` is no part of a path: `name[0]`"))?;
            let child = definitions.child(element, name).filter(|child| !name.starts_with('_') && !child.is_choice());
            let child = child.ok_or_else(|| {
                let of = definitions.element(element).map(|element| element.path()).unwrap_or_default();
                format!("unknown element `{name}` of {of}")
            })?;
            if index.is_some() && !child.is_list() {
                return Err(format!("`{name}` does not repeat"));
            }
            let variant = if child.is_variant() { format!(".ofType({})", child.type_name()) } else { String::new() };
            let number = index.map(|index| format!("[{index}]")).unwrap_or_default();
            expressions.push(format!("{}{variant}{number}", quoted(child.path_name())));
            segments.push(Segment { name: child.name().to_owned(), is_list: child.is_list(), index });
            (element, primitive) = (child.id(), child.primitive());
        }
        if segments.len() > MOST_SEGMENTS {
            return Err(format!("expected a path of at most {MOST_SEGMENTS} parts"));
        }
        Ok(Self { segments, element, primitive, expression: expressions.join(".") })
    }

    /// Whether it means all items of a list.
    pub(crate) fn is_all(&self) -> bool {
        self.segments.last().is_some_and(|last| last.is_list && last.index.is_none())
    }

    /// The first name.
    pub(crate) fn top(&self) -> &str {
        self.segments.first().map(|first| first.name.as_str()).unwrap_or_default()
    }

    /// Puts a value; an array is all of the list.
    pub(crate) fn put(&self, out: &mut Tree, value: Tree) {
        let last = self.segments.len().saturating_sub(1);
        let mut place = Some(out);
        for (number, segment) in self.segments.iter().enumerate() {
            place = place.and_then(|place| place.member_place(&segment.name)).and_then(|place| {
                let takes_all = number == last && matches!(value, Tree::Array(_));
                let is_item = segment.is_list && !takes_all;
                if is_item { place.item_place(segment.index.unwrap_or(0)) } else { Some(place) }
            });
        }
        if let Some(place) = place {
            *place = value;
        }
    }

    /// Whether the element that the last one belongs to is there.
    pub(crate) fn has_parent(&self, tree: &Tree) -> bool {
        let Some((_, parents)) = self.segments.split_last() else { return false };
        let found = parents.iter().try_fold(tree, |tree, segment| {
            let member = tree.member(&segment.name)?;
            match member {
                Tree::Array(items) => items.get(segment.index.unwrap_or(0)),
                other => Some(other),
            }
        });
        parents.is_empty() || found.is_some_and(|found| *found != Tree::Null)
    }
}

/// `name`, `name[0]`.
fn numbered(part: &str) -> Option<(&str, Option<usize>)> {
    let Some((name, number)) = part.split_once('[') else { return Some((part, None)) };
    let index: usize = number.strip_suffix(']')?.parse().ok()?;
    (index <= LARGEST_INDEX).then_some((name, Some(index)))
}

/// A name that is a word of FHIRPath itself is written in backquotes.
fn quoted(name: &str) -> String {
    match name {
        "contains" | "in" | "is" | "as" | "div" | "mod" | "and" | "or" | "xor" | "implies" => format!("`{name}`"),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use fhir::Version;

    use super::*;

    fn read(text: &str) -> Result<ElementPath, String> {
        let definitions = definitions::of(Version::R4);
        ElementPath::read(text, definitions.type_named("Patient").unwrap().root().unwrap(), definitions)
    }

    #[test]
    fn a_path_is_checked_and_becomes_fhirpath() {
        assert_eq!(read("name[0].family").unwrap().expression, "name[0].family");
        assert_eq!(read("deceasedBoolean").unwrap().expression, "deceased.ofType(boolean)");
        for (wrong, why) in [
            ("nmae", "unknown element"),
            ("birthDate[0]", "does not repeat"),
            ("name[x]", "no part"),
            ("deceased", "unknown element"),
        ] {
            assert!(read(wrong).unwrap_err().contains(why), "{wrong}");
        }
    }

    #[test]
    fn values_are_put_where_json_has_them() {
        let mut out = Tree::object();
        read("name.given[1]").unwrap().put(&mut out, Tree::Text("B".into()));
        read("name.family").unwrap().put(&mut out, Tree::Text("A".into()));
        read("active").unwrap().put(&mut out, Tree::Boolean(true));
        assert_eq!(out.to_bytes(), br#"{"name":[{"given":[null,"B"],"family":"A"}],"active":true}"#);
        assert!(read("name.use").unwrap().has_parent(&out));
        assert!(!read("contact.gender").unwrap().has_parent(&out));
    }
}
