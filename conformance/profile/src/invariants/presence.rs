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

#[cfg(test)]
mod tests {
    use definitions::ElementId;
    use fhir::Version;
    use fhir::json::{Document, Kind, Value};
    use proptest::prelude::*;
    use serde_json::Value as Json;

    use crate::invariants::{Place, Verdict};
    use crate::scan::{Bounds, Scratch, scan};

    const SAMPLES: [&str; 4] = [
        include_str!("../../benches/samples/patient.json"),
        include_str!("../../benches/samples/appointment.json"),
        r#"{"resourceType":"MedicationRequest","status":"active","intent":"order","medicationCodeableConcept":{"text":"x"},"subject":{"reference":"Patient/1"},"dosageInstruction":[{"timing":{"repeat":{"count":1,"countMax":2,"duration":1,"durationMax":2,"durationUnit":"h","frequency":1,"period":1,"periodMax":2,"periodUnit":"d","timeOfDay":["10:00:00"],"when":["C"],"offset":1}},"doseAndRate":[{"doseRange":{"low":{"value":1},"high":{"value":2}},"rateRatio":{"numerator":{"value":1},"denominator":{"value":1}}}]}]}"#,
        r#"{"resourceType":"TestScript","url":"http://a.example","name":"X","status":"draft","test":[{"action":[{"operation":{"sourceId":"a","targetId":"b","params":"c","url":"d","encodeRequestUrl":true},"assert":{"direction":"response","contentType":"x","expression":"x","path":"x","response":"okay","responseCode":"200","compareToSourceId":"x","compareToSourceExpression":"x","warningOnly":true}}]}]}"#,
    ];

    /// Drops members by the bits of a random stream.
    fn thin_out(value: &mut Json, bits: &mut impl Iterator<Item = bool>) {
        match value {
            Json::Object(members) => {
                members.retain(|name, _| name == "resourceType" || bits.next().unwrap_or(true));
                members.values_mut().for_each(|member| thin_out(member, bits));
            }
            Json::Array(items) => items.iter_mut().for_each(|item| thin_out(item, bits)),
            _ => {}
        }
    }

    /// Rules that presence calls certain and that do not hold.
    fn contradictions(text: &str) -> Vec<String> {
        let mut scratch = Scratch::default();
        scan(text.as_bytes(), Version::R4, None, Bounds::default(), &mut scratch);
        let document = Document::new(text.as_bytes(), scratch.nodes());
        let nodes = 0..scratch.nodes().len() as u32;
        let objects = nodes.filter_map(|node| document.at(node)).filter(|value| value.kind() == Kind::Object);
        objects.flat_map(|object| contradictions_at(document, object)).collect()
    }

    fn contradictions_at(document: Document<'_>, object: Value<'_>) -> Vec<String> {
        let rules = crate::rules::of(Version::R4);
        let Some(element) = ElementId::from_raw(object.node().element) else { return Vec::new() };
        let known = |child: Value<'_>| rules.definitions.element_of(child.node());
        let seen = object.children().filter_map(known).fold(0, |seen, child| seen | 1 << child.ordinal());
        let all = rules.invariants.open(rules.invariants.group(element), u64::MAX, true).collect::<Vec<_>>();
        let some = rules.invariants.open(rules.invariants.group(element), 0, true);
        let rule = |number| rules.invariants.rule(number);
        let certain = some.chain(all).filter_map(rule).filter(|rule| rule.is_certain(seen));
        let services = &fhirpath::NoServices;
        let place = Place { document, node: object.index(), resource: 0, root: 0, services, steps: 100_000 };
        certain
            .filter(|rule| !matches!(rule.run(&place).0, Verdict::Holds))
            .map(|rule| format!("{} {}", rule.constraint().key, rule.constraint().expression))
            .collect()
    }

    proptest! {
        #[test]
        fn what_presence_calls_certain_holds(bits in prop::collection::vec(any::<bool>(), 0..120), sample in 0..4_usize) {
            let mut value: Json = serde_json::from_str(SAMPLES[sample]).unwrap();
            thin_out(&mut value, &mut bits.into_iter());
            let text = value.to_string();
            prop_assert_eq!(contradictions(&text), Vec::<String>::new(), "{}", text);
        }
    }
}
