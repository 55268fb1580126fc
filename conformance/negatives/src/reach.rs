//! What can appear in a resource of a type.

use std::collections::BTreeMap;

use definitions::{Definitions, Element, Shape};

/// Shapes that can appear in a resource, each with the elements that lead to it. Values of extensions are left out: they can be
/// of any type, and each has rules of its own where it appears otherwise.
pub(crate) struct Reach {
    /// By number: the shape, and from which shape by which element; none for the resource itself.
    shapes: BTreeMap<u16, (Shape<'static>, Option<(u16, Element<'static>)>)>,
}

impl Reach {
    pub(crate) fn of(definitions: &'static Definitions, type_name: &str) -> Self {
        let root = definitions.type_named(type_name).and_then(|known| known.root());
        let root = root.and_then(|root| definitions.element(root)).and_then(Element::shape);
        let mut reach = Self { shapes: BTreeMap::new() };
        let is_plain = |(_, element): (u16, Element<'static>)| !element.is_simple_quantity();
        let mut next: Vec<_> = root.into_iter().map(|shape| (shape, None)).collect();
        while !next.is_empty() {
            // Level by level, so that each shape is reached by a shortest way.
            for (shape, from) in std::mem::take(&mut next) {
                if reach.shapes.contains_key(&shape.number()) {
                    // What a SimpleQuantity may not have needs a quantity elsewhere.
                    if reach.is_simple(shape) && from.is_some_and(is_plain) {
                        reach.shapes.insert(shape.number(), (shape, from));
                    }
                    continue;
                }
                reach.shapes.insert(shape.number(), (shape, from));
                let inner = concrete(shape).filter(|element| element.primitive().is_none());
                next.extend(inner.filter_map(|element| Some((element.shape()?, Some((shape.number(), element))))));
            }
        }
        reach
    }

    pub(crate) fn shapes(&self) -> impl Iterator<Item = Shape<'static>> + '_ {
        self.shapes.values().map(|(shape, _)| *shape)
    }

    /// Whether an element may appear in a shape: a quantity that is a SimpleQuantity wherever it appears has no comparator.
    pub(crate) fn allows(&self, shape: Shape<'static>, element: Element<'static>) -> bool {
        element.name() != "comparator" || !self.is_simple(shape)
    }

    fn is_simple(&self, shape: Shape<'static>) -> bool {
        let way = self.shapes.get(&shape.number()).and_then(|(_, from)| *from);
        way.is_some_and(|(_, element)| element.is_simple_quantity())
    }

    pub(crate) fn has(&self, shape: Shape<'static>) -> bool {
        self.shapes.contains_key(&shape.number())
    }

    /// The elements from the resource to a shape.
    pub(crate) fn way_to(&self, shape: Shape<'static>) -> Vec<Element<'static>> {
        let mut way = Vec::new();
        let mut number = shape.number();
        while let Some((_, Some((from, element)))) = self.shapes.get(&number) {
            way.push(*element);
            number = *from;
        }
        way.reverse();
        way
    }
}

/// The elements of a shape, variants instead of choices, without the values of an extension.
pub(crate) fn concrete(shape: Shape<'static>) -> impl Iterator<Item = Element<'static>> {
    let is_extension = shape.path() == "Extension";
    shape.elements().filter(move |element| !(is_extension && element.is_choice())).flat_map(|element| {
        let variants: Vec<_> = element.variants().filter(|_| element.is_choice()).collect();
        if element.is_choice() { variants } else { vec![element] }
    })
}
