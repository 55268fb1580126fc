//! What an expression says where only the presence of an object's members is known: conditions under which it is certainly
//! true, as masks over ordinals. An expression is never called true that an evaluation would not.

use definitions::{Element, Shape};
use fhirpath::Expression;
use fhirpath::syntax::ast::{Literal, Operator, Step};

/// A conjunction: these members are there and those are not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Term {
    present: u64,
    absent: u64,
}

impl Term {
    #[inline]
    pub(crate) const fn holds(self, seen: u64) -> bool {
        seen & self.present == self.present && seen & self.absent == 0
    }

    const fn with(self, other: Self) -> Self {
        Self { present: self.present | other.present, absent: self.absent | other.absent }
    }

    const fn is_possible(self) -> bool {
        self.present & self.absent == 0
    }

    const fn covers(self, other: Self) -> bool {
        other.present & self.present == self.present && other.absent & self.absent == self.absent
    }
}

/// Most terms of a disjunction. Fewer terms only mean that the program runs more often.
const MOST_TERMS: usize = 24;

/// A disjunction.
#[derive(Clone, Debug, Default)]
struct Terms(Vec<Term>);

impl Terms {
    fn always() -> Self {
        Self(vec![Term::default()])
    }

    fn one(present: u64, absent: u64) -> Self {
        Self(vec![Term { present, absent }])
    }

    fn or(mut self, other: &Self) -> Self {
        for term in &other.0 {
            self.add(*term);
        }
        self
    }

    fn and(&self, other: &Self) -> Self {
        let mut product = Self::default();
        for left in &self.0 {
            for right in &other.0 {
                product.add(left.with(*right));
            }
        }
        product
    }

    fn add(&mut self, term: Term) {
        if !term.is_possible() || self.0.iter().any(|known| known.covers(term)) {
            return;
        }
        self.0.retain(|known| !term.covers(*known));
        if self.0.len() < MOST_TERMS {
            self.0.push(term);
        }
    }
}

/// When a boolean is certainly true and certainly false. An empty one is neither.
#[derive(Clone, Debug, Default)]
struct Known {
    yes: Terms,
    no: Terms,
}

impl Known {
    fn not(self) -> Self {
        Self { yes: self.no, no: self.yes }
    }

    fn and(&self, other: &Self) -> Self {
        Self { yes: self.yes.and(&other.yes), no: self.no.clone().or(&other.no) }
    }

    fn or(self, other: Self) -> Self {
        self.not().and(&other.not()).not()
    }

    fn equal(&self, other: &Self) -> Self {
        Self {
            yes: self.yes.and(&other.yes).or(&self.no.and(&other.no)),
            no: self.yes.and(&other.no).or(&self.no.and(&other.yes)),
        }
    }
}

/// When a collection certainly has items and certainly has none.
#[derive(Clone, Debug, Default)]
struct Items {
    some: Terms,
    none: Terms,
    /// The one member that it is, when it is nothing else.
    member: Option<Count>,
}

/// How many items a member has.
#[derive(Clone, Copy, Debug)]
struct Count {
    bit: u64,
    /// At most one where it is there.
    is_single: bool,
    /// At least one where it is there.
    is_exact: bool,
}

/// Conditions under which an expression on an object of that shape is true.
pub(super) fn certain(expression: &Expression, shape: Shape<'static>) -> Box<[Term]> {
    Presence { shape }.truth(expression).yes.0.into_boxed_slice()
}

struct Presence {
    shape: Shape<'static>,
}

impl Presence {
    fn truth(&self, expression: &Expression) -> Known {
        match expression {
            Expression::Literal(Literal::Boolean(true)) => Known { yes: Terms::always(), no: Terms::default() },
            Expression::Literal(Literal::Boolean(false)) => Known { yes: Terms::default(), no: Terms::always() },
            Expression::Binary { operator, left, right } => self.binary(*operator, left, right),
            Expression::Start(step) => self.function(&always(), None, step),
            Expression::Path { head, steps } => match steps.split_last() {
                Some((last, before)) => {
                    let input = self.path(head, before);
                    let truth = before.is_empty().then(|| self.truth(head));
                    let truth = truth.or_else(|| self.truth_of_path(head, before));
                    self.function(&input, truth, last)
                }
                None => self.truth(head),
            },
            _ => Known::default(),
        }
    }

    /// The truth of a path that is the input of `not()`.
    fn truth_of_path(&self, head: &Expression, steps: &[Step]) -> Option<Known> {
        let (last, before) = steps.split_last()?;
        Some(self.function(&self.path(head, before), None, last))
    }

    fn binary(&self, operator: Operator, left: &Expression, right: &Expression) -> Known {
        let both = || (self.truth(left), self.truth(right));
        match operator {
            Operator::And => both().0.and(&both().1),
            Operator::Or => both().0.or(both().1),
            Operator::Implies => both().0.not().or(both().1),
            Operator::Xor => both().0.equal(&both().1).not(),
            _ => match self.counted(operator, left, right) {
                Some(known) => known,
                None if operator == Operator::Equal => both().0.equal(&both().1),
                None if operator == Operator::NotEqual => both().0.equal(&both().1).not(),
                None => Known::default(),
            },
        }
    }

    fn function(&self, input: &Items, truth: Option<Known>, step: &Step) -> Known {
        let Step::Function { name, arguments, .. } = step else { return Known::default() };
        let (some, none) = (input.some.clone(), input.none.clone());
        let nothing = Terms::default();
        match (name.as_str(), arguments.as_slice()) {
            ("exists", []) => Known { yes: some, no: none },
            ("empty", []) => Known { yes: none, no: some },
            ("not", []) => truth.unwrap_or_default().not(),
            ("trace", _) => truth.unwrap_or_default(),
            ("all" | "allTrue" | "allFalse" | "isDistinct", _) => Known { yes: none, no: nothing },
            // On nothing these are false in a rule: see `fhirpath::Program::check`.
            ("exists" | "hasValue" | "startsWith" | "endsWith" | "contains" | "matches", _) => {
                Known { yes: nothing, no: none }
            }
            _ => Known::default(),
        }
    }

    fn path(&self, head: &Expression, steps: &[Step]) -> Items {
        steps.iter().fold(self.items(head), |input, step| self.step(input, step))
    }

    fn items(&self, expression: &Expression) -> Items {
        match expression {
            Expression::Literal(Literal::Empty) => Items { none: Terms::always(), ..Items::default() },
            Expression::Literal(_) | Expression::This => always(),
            Expression::Start(Step::Member(name)) if self.is_own_name(name) => always(),
            Expression::Start(step) => self.start(step),
            Expression::Path { head, steps } if self.is_context(head) => match steps.split_first() {
                Some((first, rest)) => rest.iter().fold(self.start(first), |input, step| self.step(input, step)),
                None => always(),
            },
            Expression::Path { head, steps } => self.path(head, steps),
            Expression::Union(all) => all.iter().map(|one| self.items(one)).fold(
                Items { none: Terms::always(), ..Items::default() },
                |union, one| Items { some: union.some.or(&one.some), none: union.none.and(&one.none), member: None },
            ),
            Expression::Type { cast: true, operand, .. } => weaker(self.items(operand)),
            _ => Items::default(),
        }
    }

    fn is_context(&self, head: &Expression) -> bool {
        match head {
            Expression::This => true,
            Expression::Start(Step::Member(name)) => self.is_own_name(name),
            _ => false,
        }
    }

    /// `Appointment.status` on an Appointment.
    fn is_own_name(&self, name: &str) -> bool {
        self.shape.path() == name
    }

    /// The first step on the object itself.
    fn start(&self, step: &Step) -> Items {
        match step {
            Step::Member(name) => self.member(name).map_or_else(Items::default, |element| {
                let bit = 1 << element.ordinal();
                let member = Count { bit, is_single: !element.is_list(), is_exact: true };
                Items { some: Terms::one(bit, 0), none: Terms::one(0, bit), member: Some(member) }
            }),
            Step::Function { .. } => self.step(always(), step),
            Step::Indexer(_) => Items::default(),
        }
    }

    fn member(&self, name: &str) -> Option<Element<'static>> {
        self.shape.elements().find(|element| element.path_name() == name)
    }

    fn step(&self, input: Items, step: &Step) -> Items {
        match step {
            Step::Function { name, .. } => match name.as_str() {
                "trace" => input,
                "first" | "last" | "distinct" => Items { member: None, ..input },
                "where" | "select" | "ofType" | "as" | "resolve" | "tail" | "children" | "descendants"
                | "extension" | "repeat" | "intersect" => weaker(input),
                _ => Items::default(),
            },
            Step::Member(_) | Step::Indexer(_) => weaker(input),
        }
    }

    /// `a.count() + b.count() <= 1`, `item.count() > 1`.
    fn counted(&self, operator: Operator, left: &Expression, right: &Expression) -> Option<Known> {
        let Expression::Literal(Literal::Integer(limit)) = right else { return None };
        let mut counts = Vec::new();
        self.sum(left, &mut counts)?;
        let holds = |count: i64| match operator {
            Operator::Less => count < *limit,
            Operator::Greater => count > *limit,
            Operator::LessOrEqual => count <= *limit,
            Operator::GreaterOrEqual => count >= *limit,
            Operator::Equal => count == *limit,
            Operator::NotEqual => count != *limit,
            _ => false,
        };
        let all = counts.iter().fold(0, |mask, count| mask | count.bit);
        let mut known = Known::default();
        let mut decide = |term: Term, count: i64| if holds(count) { known.yes.add(term) } else { known.no.add(term) };
        decide(Term { present: 0, absent: all }, 0);
        for count in counts.iter().filter(|count| count.is_single && count.is_exact) {
            decide(Term { present: count.bit, absent: all & !count.bit }, 1);
        }
        // One is enough where more is not worse.
        let is_monotonous = matches!(operator, Operator::Greater | Operator::GreaterOrEqual);
        for count in counts.iter().filter(|count| is_monotonous && count.is_exact && holds(1)) {
            known.yes.add(Term { present: count.bit, absent: 0 });
        }
        Some(known)
    }

    fn sum(&self, expression: &Expression, counts: &mut Vec<Count>) -> Option<()> {
        match expression {
            Expression::Binary { operator: Operator::Add, left, right } => {
                self.sum(left, counts)?;
                self.sum(right, counts)
            }
            Expression::Path { head, steps } => {
                let (last, before) = steps.split_last()?;
                let Step::Function { name, .. } = last else { return None };
                let input = if before.is_empty() { self.items(head) } else { self.path(head, before) };
                let member = input.member.or_else(|| {
                    // Of a longer path only that it is empty where its first member is not there.
                    let [none] = input.none.0.as_slice() else { return None };
                    let is_member = none.present == 0 && none.absent.is_power_of_two();
                    is_member.then_some(Count { bit: none.absent, is_single: false, is_exact: false })
                })?;
                let is_new = counts.iter().all(|known| known.bit != member.bit);
                (name == "count" && is_new).then(|| counts.push(member))
            }
            _ => None,
        }
    }
}

fn always() -> Items {
    Items { some: Terms::always(), ..Items::default() }
}

/// What remains when items may be lost.
fn weaker(input: Items) -> Items {
    Items { some: Terms::default(), none: input.none, member: None }
}
