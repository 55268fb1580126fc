//! All expressions of a resource type as one tree of elements, so that one walk over a document finds every value.
//!
//! An expression becomes edges by element id: choices are their variants, `as` and `ofType` keep those of a type. What is
//! no plain path stays a program.

use definitions::{Definitions, Element, ElementId};
use fhir::ResourceType;
use fhirpath::syntax::ast::{Expression, Literal, Operator, Step, TypeName};
use fhirpath::{CompileError, Program};

/// What to do with an element that is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// It is a value of the parameter of that number.
    Value(u16),
    /// It is an occurrence of the composite parameter of that number.
    Composite(u16),
}

/// A condition on an element.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Filter {
    /// `where(resolve() is Patient)`: decided on the reference's text.
    PointsTo(ResourceType),
    /// `where(system = 'phone')`, and `extension(url)`.
    Member(Box<str>, Box<str>),
}

/// A place in the tree.
#[derive(Debug, Default)]
pub(super) struct Place {
    /// Sorted by element.
    edges: Vec<(u32, u32)>,
    pub(super) filters: Vec<(Filter, u32)>,
    pub(super) targets: Vec<Target>,
}

impl Place {
    /// The place of a child element.
    pub(super) fn child(&self, element: u32) -> Option<u32> {
        match self.edges.as_slice() {
            [] => None,
            edges => edges.binary_search_by_key(&element, |edge| edge.0).ok().and_then(|at| Some(edges.get(at)?.1)),
        }
    }

    pub(super) fn is_leaf(&self) -> bool {
        self.edges.is_empty()
    }
}

/// The tree, and the programs of what is no path.
#[derive(Debug, Default)]
pub(super) struct Plan {
    places: Vec<Place>,
    pub(super) programs: Vec<(Target, Program)>,
}

/// A place that an expression has reached, and what stands there.
#[derive(Clone, Copy)]
struct Reached<'d> {
    place: u32,
    element: Element<'d>,
}

/// An expression that is no plain path.
struct NoPath;

impl Plan {
    pub(super) const ROOT: u32 = 0;

    pub(super) fn new() -> Self {
        Self { places: vec![Place::default()], programs: Vec::new() }
    }

    pub(super) fn place(&self, index: u32) -> Option<&Place> {
        self.places.get(index as usize)
    }

    /// Adds an expression on elements of these kinds.
    pub(super) fn add(
        &mut self,
        definitions: &'static Definitions,
        roots: &[ElementId],
        text: &str,
        target: Target,
    ) -> Result<(), CompileError> {
        let expression = fhirpath::parse(text)?;
        let start: Vec<_> = roots
            .iter()
            .filter_map(|root| Some(Reached { place: Self::ROOT, element: definitions.element(*root)? }))
            .collect();
        // A failed path leaves places without targets behind: harmless, and rare.
        match (Paths { plan: self, definitions }).follow(&expression, &start) {
            Ok(reached) => {
                for reached in reached {
                    if let Some(place) = self.places.get_mut(reached.place as usize)
                        && !place.targets.contains(&target)
                    {
                        place.targets.push(target);
                    }
                }
            }
            Err(NoPath) => self.programs.push((target, Program::of(&expression, definitions.version())?)),
        }
        Ok(())
    }
}

/// The kinds of elements that a path leads to; empty for what is no plain path. Says what a composite's parts start from.
pub(super) fn kinds(definitions: &'static Definitions, root: ElementId, text: &str) -> Vec<ElementId> {
    let mut plan = Plan::new();
    let Some(element) = definitions.element(root) else { return Vec::new() };
    let start = [Reached { place: Plan::ROOT, element }];
    let Ok(expression) = fhirpath::parse(text) else { return Vec::new() };
    match (Paths { plan: &mut plan, definitions }).follow(&expression, &start) {
        Ok(reached) => reached.iter().map(|reached| reached.element.id()).collect(),
        Err(NoPath) => Vec::new(),
    }
}

struct Paths<'p> {
    plan: &'p mut Plan,
    definitions: &'static Definitions,
}

type Follow<'d> = Result<Vec<Reached<'d>>, NoPath>;

impl Paths<'_> {
    fn follow(&mut self, expression: &Expression, from: &[Reached<'static>]) -> Follow<'static> {
        match expression {
            Expression::Start(Step::Member(name)) if name.starts_with(|first: char| first.is_ascii_uppercase()) => {
                Ok(of_type(self.definitions, from, &TypeName { namespace: None, name: name.clone() }))
            }
            Expression::Start(step) => self.step(step, from),
            Expression::Path { head, steps } => {
                let mut reached = self.follow(head, from)?;
                for step in steps {
                    // Another type's branch of a union leads nowhere, whatever follows.
                    if reached.is_empty() {
                        break;
                    }
                    reached = self.step(step, &reached)?;
                }
                Ok(reached)
            }
            Expression::Union(all) => {
                let mut reached = Vec::new();
                for branch in all {
                    reached.extend(self.follow(branch, from)?);
                }
                Ok(reached)
            }
            Expression::Type { cast: true, operand, name } => {
                let reached = self.follow(operand, from)?;
                Ok(of_type(self.definitions, &reached, name))
            }
            Expression::This => Ok(from.to_vec()),
            _ => Err(NoPath),
        }
    }

    fn step(&mut self, step: &Step, from: &[Reached<'static>]) -> Follow<'static> {
        match step {
            Step::Member(name) => self.member(name, from),
            Step::Function { name, arguments, .. } => match (name.as_str(), arguments.as_slice()) {
                ("as" | "ofType", [argument]) => {
                    let name = type_name(argument).ok_or(NoPath)?;
                    Ok(of_type(self.definitions, from, &name))
                }
                ("where", [condition]) => {
                    let filter = filter(condition).ok_or(NoPath)?;
                    Ok(self.filtered(&filter, from))
                }
                ("extension", [Expression::Literal(Literal::Text(url))]) => {
                    let extensions = self.member("extension", from)?;
                    Ok(self.filtered(&Filter::Member("url".into(), url.as_str().into()), &extensions))
                }
                _ => Err(NoPath),
            },
            Step::Indexer(_) => Err(NoPath),
        }
    }

    fn member(&mut self, name: &str, from: &[Reached<'static>]) -> Follow<'static> {
        let mut reached = Vec::new();
        for parent in from {
            // Any resource may stand there: only the document can say which.
            let shape = parent.element.shape().ok_or(NoPath)?;
            for element in shape.elements().filter(|element| element.path_name() == name) {
                if element.is_choice() {
                    reached.extend(element.variants().map(|variant| self.edge(parent.place, variant)));
                } else {
                    reached.push(self.edge(parent.place, element));
                }
            }
        }
        Ok(reached)
    }

    fn edge(&mut self, from: u32, element: Element<'static>) -> Reached<'static> {
        let key = element.id().raw();
        let next = self.plan.places.len() as u32;
        let Some(place) = self.plan.places.get_mut(from as usize) else { return Reached { place: from, element } };
        match place.edges.binary_search_by_key(&key, |edge| edge.0) {
            Ok(at) => Reached { place: place.edges.get(at).map_or(from, |edge| edge.1), element },
            Err(at) => {
                place.edges.insert(at, (key, next));
                self.plan.places.push(Place::default());
                Reached { place: next, element }
            }
        }
    }

    fn filtered(&mut self, filter: &Filter, from: &[Reached<'static>]) -> Vec<Reached<'static>> {
        from.iter().map(|reached| Reached { place: self.filter_place(filter, reached.place), ..*reached }).collect()
    }

    fn filter_place(&mut self, filter: &Filter, from: u32) -> u32 {
        let next = self.plan.places.len() as u32;
        let Some(place) = self.plan.places.get_mut(from as usize) else { return from };
        if let Some((_, known)) = place.filters.iter().find(|(known, _)| known == filter) {
            return *known;
        }
        place.filters.push((filter.clone(), next));
        self.plan.places.push(Place::default());
        next
    }
}

/// Those of a type or of one that specializes it. The parts of R4's composites say `DateTime` and mean `dateTime`.
fn of_type<'d>(definitions: &Definitions, from: &[Reached<'d>], name: &TypeName) -> Vec<Reached<'d>> {
    let mut wanted = name.name.clone();
    if definitions.type_named(&wanted).is_none()
        && let Some(first) = wanted.get_mut(..1)
    {
        first.make_ascii_lowercase();
    }
    from.iter().filter(|reached| reached.element.type_().is_some_and(|known| known.is_a(&wanted))).copied().collect()
}

fn type_name(argument: &Expression) -> Option<TypeName> {
    match argument {
        Expression::Start(Step::Member(name)) => Some(TypeName { namespace: None, name: name.clone() }),
        _ => None,
    }
}

fn filter(condition: &Expression) -> Option<Filter> {
    match condition {
        Expression::Type { cast: false, operand, name } => match operand.as_ref() {
            Expression::Start(Step::Function { name: function, .. }) if function == "resolve" => {
                Some(Filter::PointsTo(name.name.parse().ok()?))
            }
            _ => None,
        },
        Expression::Binary { operator: Operator::Equal, left, right } => match (left.as_ref(), right.as_ref()) {
            (Expression::Start(Step::Member(name)), Expression::Literal(Literal::Text(text))) => {
                Some(Filter::Member(name.as_str().into(), text.as_str().into()))
            }
            _ => None,
        },
        _ => None,
    }
}
