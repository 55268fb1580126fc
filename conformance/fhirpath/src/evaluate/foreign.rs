//! Elements of documents that a service gave: they are evaluated in an environment of their own, and what comes of it owns its
//! data.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use fhir::json::{Limits, scan};

use super::{Evaluated, EvaluationError, Evaluator};
use crate::item::{Collection, Element, Foreign, ForeignDocument, Item, Quantity};
use crate::model::Model;
use crate::{Environment, Services};

impl<'a> Evaluator<'_, 'a> {
    /// The root of a document in JSON, as an item. `type_name` says what it is where it is no resource.
    pub(super) fn foreign(
        &mut self,
        json: Vec<u8>,
        type_name: Option<&str>,
        operation: &'static str,
    ) -> Result<Item<'a>, EvaluationError> {
        self.charge(1 + json.len() as u64 / 16)?;
        let mut nodes = Vec::new();
        scan(&json, &mut nodes, Limits::default()).map_err(|_| EvaluationError::Undecidable(operation))?;
        let document = Arc::new(ForeignDocument { json, nodes });
        let kind = match type_name {
            Some(name) => self.model.root(name),
            None => self.model.resource(document.document(), 0),
        };
        Ok(Item::Foreign(Box::new(Foreign { document, element: Element::new(0, kind) })))
    }

    /// Evaluates on an element of another document.
    pub(super) fn on_foreign(
        &mut self,
        foreign: &Foreign,
        evaluate: impl for<'x> FnOnce(&mut Evaluator<'_, 'x>, Item<'x>) -> Evaluated<'x>,
    ) -> Evaluated<'a> {
        let services: &dyn Services = self.environment.services;
        let environment = Environment {
            now: self.environment.now,
            step_limit: self.environment.step_limit,
            services,
            variables: BTreeMap::new(),
            ..Environment::new(foreign.document.document())
        };
        let context = Item::Element(foreign.element);
        let mut inner = Evaluator::new(self.model.version(), &environment, context.clone(), self.is_rule);
        inner.steps = self.steps;
        let result = evaluate(&mut inner, context);
        self.steps = inner.steps;
        Ok(result?.into_iter().map(|item| owned(item, &foreign.document)).collect::<Collection<'a>>())
    }
}

/// An item that has its data itself.
pub(super) fn owned<'a>(item: Item<'_>, document: &Arc<ForeignDocument>) -> Item<'a> {
    match item {
        Item::Element(element) => Item::Foreign(Box::new(Foreign { document: Arc::clone(document), element })),
        Item::Text(text) => Item::Text(Cow::Owned(text.into_owned())),
        Item::Quantity(quantity) => {
            let Quantity { value, unit, calendar } = *quantity;
            Item::Quantity(Box::new(Quantity { value, unit: Cow::Owned(unit.into_owned()), calendar }))
        }
        Item::Type(namespace, name) => Item::Type(namespace, Cow::Owned(name.into_owned())),
        Item::Boolean(value) => Item::Boolean(value),
        Item::Integer(value) => Item::Integer(value),
        Item::Long(value) => Item::Long(value),
        Item::Decimal(value) => Item::Decimal(value),
        Item::Temporal(value) => Item::Temporal(value),
        Item::Remote(resource_type) => Item::Remote(resource_type),
        Item::Foreign(foreign) => Item::Foreign(foreign),
        Item::Terminologies => Item::Terminologies,
    }
}

/// The System value of an element of another document.
pub(super) fn value<'a>(foreign: &Foreign, model: Model) -> Option<Item<'a>> {
    let document = foreign.document.document();
    super::convert::to_system(document, model, &Item::Element(foreign.element))
        .map(|item| owned(item, &foreign.document))
}
