//! Resources made from the definitions: any elements in any order, values that are awkward in XML or JSON. They need not be
//! sensible, only FHIR by structure.

use definitions::{Definitions, Element, Family, Primitive, Shape};
use fhir::Version;

const TEXTS: [&str; 12] = [
    "a",
    "\\\"",
    "<&>'",
    "\\n",
    "\\r\\n\\t",
    "]]>",
    "ü\\u00e9",
    "\\ud83d\\ude00",
    "\u{FFFD}",
    "&amp;lt;",
    "  ",
    "--><?x?>",
];
const DECIMALS: [&str; 7] = ["0", "-0", "1.50", "100000000000000000000000001", "-1e-7", "2E+3", "0.000"];
const DIVS: [&str; 4] = [
    "x &lt; &#160;<br/>",
    "<p id='a' title=\\\"b\\\">\\r\\n<!-- c --></p>",
    "<![CDATA[ <b> ]]>",
    "<a href='#b'>\\u00fc</a><?pi?>",
];

/// Makes one resource after another; the same for the same seed.
pub(crate) struct Maker {
    definitions: &'static Definitions,
    state: u64,
    /// Elements that may still be made.
    budget: u32,
}

impl Maker {
    pub(crate) fn new(version: Version, seed: u64) -> Self {
        Self { definitions: definitions::of(version), state: seed | 1, budget: 0 }
    }

    /// A resource of any type.
    pub(crate) fn resource(&mut self) -> String {
        self.budget = 150;
        self.any_resource(0)
    }

    fn any_resource(&mut self, depth: u32) -> String {
        let types: Vec<_> = self.definitions.types().collect();
        let known = loop {
            let known = types[self.below(types.len())];
            if known.family() == Family::Resource && !known.is_abstract() {
                break known;
            }
        };
        let shape = self.definitions.element(known.root().unwrap()).unwrap().shape().unwrap();
        let type_member = format!("\"resourceType\":\"{}\"", known.name());
        self.object(shape, depth, vec![type_member])
    }

    fn object(&mut self, shape: Shape<'static>, depth: u32, mut members: Vec<String>) -> String {
        let elements: Vec<_> = shape.elements().collect();
        let share = if depth == 0 { 2 } else { 4 };
        for element in &elements {
            if self.below(share) == 0 && self.budget > 0 && depth < 12 {
                self.member(*element, depth, &mut members);
            }
        }
        if members.is_empty() {
            let id = elements.iter().find(|element| element.primitive().is_some_and(|known| known != Primitive::Xhtml));
            let id = id.unwrap();
            let literal = self.literal(id.primitive().unwrap());
            members.push(format!("\"{}\":{}", id.name(), if id.is_list() { format!("[{literal}]") } else { literal }));
        }
        for index in (1..members.len()).rev() {
            let other = self.below(index + 1);
            members.swap(index, other);
        }
        format!("{{{}}}", members.join(", "))
    }

    fn member(&mut self, element: Element<'static>, depth: u32, members: &mut Vec<String>) {
        self.budget = self.budget.saturating_sub(1);
        if element.is_choice() {
            let variants: Vec<_> = element.variants().collect();
            let variant = variants[self.below(variants.len())];
            return self.member(variant, depth, members);
        }
        let count = if element.is_list() { 1 + self.below(3) } else { 1 };
        if let Some(primitive) = element.primitive() {
            return self.primitive(element, primitive, count, depth, members);
        }
        let items: Vec<_> = (0..count)
            .map(|_| match element.shape() {
                Some(shape) => self.object(shape, depth + 1, Vec::new()),
                None => self.any_resource(depth + 1),
            })
            .collect();
        members.push(format!("\"{}\":{}", element.name(), listed(element, &items)));
    }

    fn primitive(
        &mut self,
        element: Element<'static>,
        primitive: Primitive,
        count: usize,
        depth: u32,
        members: &mut Vec<String>,
    ) {
        let is_attribute = element.is_element_id()
            || primitive == Primitive::Xhtml
            || element.name() == "url" && element.owner().is_some_and(|owner| owner.path() == "Extension");
        let (mut values, mut companions) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let kind = if is_attribute { 0 } else { self.below(6) };
            values.push(if kind == 5 { "null".to_owned() } else { self.literal(primitive) });
            companions.push(match (kind, element.shape()) {
                (4 | 5, Some(shape)) => self.object(shape, depth + 1, Vec::new()),
                _ => "null".to_owned(),
            });
        }
        for (prefix, side) in [("", values), ("_", companions)] {
            if side.iter().any(|item| item != "null") {
                members.push(format!("\"{prefix}{}\":{}", element.name(), listed(element, &side)));
            }
        }
    }

    fn literal(&mut self, primitive: Primitive) -> String {
        match primitive {
            Primitive::Boolean => (self.below(2) == 0).to_string(),
            Primitive::Decimal => DECIMALS[self.below(DECIMALS.len())].to_owned(),
            Primitive::Integer | Primitive::PositiveInt | Primitive::UnsignedInt => self.below(100_000).to_string(),
            Primitive::Xhtml => {
                let inside = DIVS[self.below(DIVS.len())];
                format!("\"<div xmlns=\\\"http://www.w3.org/1999/xhtml\\\">{inside}</div>\"")
            }
            _ => {
                let texts: Vec<_> = (0..=self.below(3)).map(|_| TEXTS[self.below(TEXTS.len())]).collect();
                format!("\"{}\"", texts.concat())
            }
        }
    }

    fn below(&mut self, end: usize) -> usize {
        // xorshift64
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state % end as u64) as usize
    }
}

fn listed(element: Element<'_>, items: &[String]) -> String {
    if element.is_list() { format!("[{}]", items.join(" ,")) } else { items.concat() }
}
