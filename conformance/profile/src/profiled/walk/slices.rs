//! Slices (profiling.html#slicing): which items are in which, and what follows.

use fhir::IssueType;
use fhir::json::{Kind, Value};
use package::Rules;
use terminology::{Coding, Membership};

use super::super::compare::{has_pattern, is_same};
use super::super::items::{Chosen, Item, Items};
use super::super::model::{Check, Slicing, Step, Test, Told};
use super::types::is_a;
use super::{At, Walk};

/// What has been seen of the slices so far.
#[derive(Default)]
struct Seen {
    /// Items that are in a slice.
    matched: Chosen,
    /// One behind the last item in a slice.
    end: usize,
    /// Whether a slice cannot be told from the others.
    is_open: bool,
}

impl<'a> Walk<'a, '_> {
    /// Items against slices; of a reslicing only those `among` its slice.
    pub(super) fn slicing(
        &mut self,
        object: Value<'a>,
        items: Items<'a>,
        slicing: &Slicing,
        among: Option<&Chosen>,
        at: At<'_>,
    ) {
        let mut seen = Seen::default();
        for slice in &slicing.slices {
            let Some(at) = at.rule(slice.rule) else { continue };
            if let Told::Unknown(why) = &slice.told {
                seen.is_open = true;
                self.undecided(items.node(), why, at);
                continue;
            }
            let chosen = self.choose(items, among, &slice.told, &mut seen, slicing.is_ordered, at);
            self.slice(object, items, &chosen, at);
        }
        self.rest(items, slicing, among, &seen, at);
    }

    /// The items of a slice.
    fn choose(
        &mut self,
        items: Items<'a>,
        among: Option<&Chosen>,
        told: &Told,
        seen: &mut Seen,
        is_ordered: bool,
        at: At<'_>,
    ) -> Chosen {
        let mut chosen = Chosen::default();
        let end = seen.end;
        for (number, item) in
            items.iter().enumerate().filter(|(number, _)| among.is_none_or(|among| among.has(*number)))
        {
            if !self.is_in(item, number, told, at) {
                continue;
            }
            if seen.matched.has(number) && matches!(told, Told::By(_)) {
                self.error(item.node, IssueType::Structure, || {
                    format!(
                        "expected it in one slice only, found it in `{}` as well (profile {})",
                        at.rule.id, at.profile.canonical
                    )
                });
            }
            if is_ordered && number < end {
                self.error(item.node, IssueType::Structure, || {
                    format!(
                        "expected the slice `{}` behind those before it (profile {})",
                        at.rule.id, at.profile.canonical
                    )
                });
            }
            chosen.insert(number);
            seen.matched.insert(number);
            seen.end = seen.end.max(number + 1);
        }
        chosen
    }

    /// How many items a slice has, what it says of them, and its reslices.
    fn slice(&mut self, object: Value<'a>, items: Items<'a>, chosen: &Chosen, at: At<'_>) {
        let count = u32::try_from(chosen.count()).unwrap_or(u32::MAX);
        if count < at.rule.min {
            self.too_few(object.index(), at, count);
        }
        if count > at.rule.max {
            let max = at.rule.max;
            let first = items.iter().enumerate().filter(|(number, _)| chosen.has(*number)).nth(max as usize);
            self.error(first.map_or(items.node(), |(_, item)| item.node), IssueType::Structure, || {
                format!(
                    "expected at most {max} of slice `{}`, found {count} (profile {})",
                    at.rule.id, at.profile.canonical
                )
            });
        }
        let is_chosen = |(number, _): &(usize, Item<'a>)| chosen.has(*number);
        for (_, item) in items.iter().enumerate().filter(is_chosen).take(count as usize) {
            self.item(item, at);
        }
        if let Some(inner) = &at.rule.slicing {
            self.slicing(object, items, inner, Some(chosen), at);
        }
    }

    /// What is in no slice.
    fn rest(&mut self, items: Items<'a>, slicing: &Slicing, among: Option<&Chosen>, seen: &Seen, at: At<'_>) {
        if seen.is_open || slicing.rules == Rules::Open && slicing.default.is_none() {
            return;
        }
        let is_asked = |number: &usize| among.is_none_or(|among| among.has(*number)) && !seen.matched.has(*number);
        for (number, item) in items.iter().enumerate().filter(|(number, _)| is_asked(number)) {
            if let Some(at) = slicing.default.and_then(|rule| at.rule(rule)) {
                self.item(item, at);
            } else if slicing.rules == Rules::Closed {
                self.error(item.node, IssueType::Structure, || {
                    format!(
                        "expected an item of one of the slices of `{}` (profile {})",
                        at.rule.id, at.profile.canonical
                    )
                });
            } else if slicing.rules == Rules::OpenAtEnd && number < seen.end {
                self.error(item.node, IssueType::Structure, || {
                    format!(
                        "expected what is in no slice of `{}` behind the slices (profile {})",
                        at.rule.id, at.profile.canonical
                    )
                });
            }
        }
    }

    #[cold]
    fn undecided(&mut self, node: u32, why: &str, at: At<'_>) {
        self.say(fhir::Severity::Information, node, IssueType::NotSupported, || {
            format!("the slice `{}` cannot be checked: {why} (profile {})", at.rule.id, at.profile.canonical)
        });
    }

    pub(super) fn is_in(&mut self, item: Item<'a>, number: usize, told: &Told, at: At<'_>) -> bool {
        match told {
            Told::By(tests) => tests.iter().all(|test| self.meets(item, number, test, at)),
            Told::Conforming => self.quietly(|walk| walk.item(item, at)),
            Told::Unknown(_) => false,
        }
    }

    fn meets(&mut self, item: Item<'a>, number: usize, test: &Test, at: At<'_>) -> bool {
        if let Check::Position(place) = test.check {
            return number == place as usize;
        }
        if let Some(is_met) = has_literal(item, test) {
            return is_met;
        }
        if let Check::Exists(is_there) = test.check {
            return self.any(item, &test.path, at, &mut |_, _| true) == is_there;
        }
        self.any(item, &test.path, at, &mut |walk, item| walk.check(item, &test.check, at))
    }

    /// Whether what stands at the end of a path meets a condition, or one of what stands there.
    fn any(
        &mut self,
        item: Item<'a>,
        path: &[Step],
        at: At<'_>,
        test: &mut dyn FnMut(&mut Self, Item<'a>) -> bool,
    ) -> bool {
        let Some((step, rest)) = path.split_first() else { return test(self, item) };
        match step {
            Step::Member(name) => {
                let Some(object) = item.object() else { return false };
                self.named(object, name).any(|member| member.iter().any(|item| self.any(item, rest, at, test)))
            }
            Step::Extension(url) => {
                let Some(object) = item.object() else { return false };
                let extensions = ["extension", "modifierExtension"].into_iter().filter_map(|name| object.member(name));
                let has_url = |it: &Value<'_>| it.member("url").and_then(Value::text).is_some_and(|own| *own == **url);
                let mut found = extensions.flat_map(Value::children).filter(has_url);
                found.any(|extension| self.any(Item::of(extension), rest, at, test))
            }
            Step::OfType(name) => self.is_type(item, name) && self.any(item, rest, at, test),
            Step::Resolve => {
                let Some(text) = item.value.and_then(|it| it.member("reference")).and_then(Value::text) else {
                    return false;
                };
                match self
                    .resolver
                    .resolve(&text, at.scope.root, at.scope.resource)
                    .and_then(|it| self.document.at(it.node))
                {
                    Some(target) => self.any(Item::of(target), rest, at, test),
                    // Its type can be read off the reference.
                    None => rest.is_empty() && test(self, item),
                }
            }
        }
    }

    /// Members of that FHIRPath name.
    pub(super) fn named(&self, object: Value<'a>, name: &str) -> impl Iterator<Item = Items<'a>> + use<'a> {
        let definitions = self.definitions;
        let name: Option<Value<'a>> = object.children().find(|member| {
            let bare = member.name_bytes().strip_prefix(b"_").unwrap_or(member.name_bytes());
            bare == name.as_bytes()
                || definitions.element_of(member.node()).is_some_and(|it| it.is_variant() && it.path_name() == name)
        });
        name.map(|member| {
            let is_primitive = definitions.element_of(member.node()).is_some_and(|it| it.primitive().is_some());
            Items::of(object, member, is_primitive)
        })
        .into_iter()
    }

    fn check(&mut self, item: Item<'a>, check: &Check, at: At<'_>) -> bool {
        match check {
            Check::Fixed(wanted) => item.present().zip(wanted.root()).is_some_and(|(value, it)| is_same(value, it)),
            Check::Pattern(wanted) => {
                item.present().zip(wanted.root()).is_some_and(|(value, it)| has_pattern(value, it))
            }
            Check::Codes(value_set) => item.present().is_some_and(|value| self.has_code(value, value_set)),
            Check::Exists(is_there) => *is_there,
            Check::Position(_) => true,
            Check::Type(names) => names.iter().any(|name| self.is_type(item, name)),
            Check::Profile(profiles) => self.follows(item, profiles, at),
            Check::Members(members) => members.iter().all(|(name, check)| {
                let Some(object) = item.object() else { return false };
                self.named(object, name).any(|items| items.iter().any(|item| self.check(item, check, at)))
            }),
        }
    }

    fn is_type(&self, item: Item<'a>, name: &str) -> bool {
        let node = self.document.at(item.node).map(Value::node);
        let Some(element) = node.and_then(|node| self.definitions.element_of(node)) else { return false };
        let referred = || {
            let text = item.value?.member("reference")?.text()?;
            match crate::reference::literal(&text) {
                crate::reference::Literal::Relative(type_) | crate::reference::Literal::Absolute(type_) => {
                    Some(self.definitions.type_named(type_)?.is_a(name))
                }
                crate::reference::Literal::Other => None,
            }
        };
        is_a(element, name) || element.type_name() == "Reference" && name != "Reference" && referred().unwrap_or(false)
    }

    fn follows(&mut self, item: Item<'a>, profiles: &[Box<str>], at: At<'_>) -> bool {
        let Some(element) = self.document.at(item.node).and_then(|it| self.definitions.element_of(it.node())) else {
            return false;
        };
        profiles.iter().any(|profile| {
            let Ok(profile) = self.engine.profile(profile) else { return false };
            is_a(element, &profile.type_name) && self.conforms(item.node, &profile, at.scope, Some(at.trail))
        })
    }

    fn has_code(&self, value: Value<'a>, value_set: &str) -> bool {
        let is_in = |coding: Coding<'_>| self.engine.terminology().member(value_set, coding) == Membership::In;
        if let Some(code) = value.text() {
            return is_in(Coding::of_code(&code));
        }
        let coded = |coding: Value<'_>| {
            let (system, code) =
                (coding.member("system").and_then(Value::text), coding.member("code").and_then(Value::text));
            code.is_some_and(|code| is_in(Coding { system: system.as_deref(), code: &code, ..Coding::default() }))
        };
        coded(value) || value.member("coding").into_iter().flat_map(Value::children).any(coded)
    }
}

/// Whether a member is a string as a test wants it: what most slices are told by, the URLs of extensions. None where it is not as
/// simple as that.
fn has_literal(item: Item<'_>, test: &Test) -> Option<bool> {
    let ([Step::Member(name)], Check::Fixed(wanted) | Check::Pattern(wanted)) = (&*test.path, &test.check) else {
        return None;
    };
    let wanted = wanted.root().filter(|wanted| wanted.kind() == Kind::String)?;
    let found = item.object()?.children().find(|member| member.name_bytes() == name.as_bytes())?;
    (found.kind() == Kind::String).then(|| found.raw() == wanted.raw())
}
