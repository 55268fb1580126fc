//! The members of a typed object.

use definitions::{Element, ElementId, Key, Shape};
use fhir::json::lexer::{short_name, string};
use fhir::json::{Fault, Kind, Value};

use super::{Name, Scanner, Step};
use crate::finding::Problem;

/// What has been seen of an object.
pub(super) struct Members {
    /// Its node.
    pub(super) node: u32,
    pub(super) shape: Shape<'static>,
    /// Ordinals of the elements that have a value.
    values: u64,
    /// Ordinals of the primitives that have a companion.
    companions: u64,
    has_resource_type: bool,
    /// Whether a list of primitives has a gap.
    has_gap: bool,
}

impl Members {
    /// Ordinals of the elements that are there: as a value, as a companion, or both.
    pub(super) const fn seen(&self) -> u64 {
        self.values | self.companions
    }
}

/// Whether a member is the companion of a primitive.
fn is_companion(member: Value<'_>) -> bool {
    member.name_bytes().first() == Some(&b'_')
}

impl Scanner<'_> {
    /// Reads an object of a shape; `{` is next. Members that the shape does not have are passed over; `resource_type` is the
    /// place of the value of `resourceType`, where the object may have one.
    pub(super) fn members(
        &mut self,
        name: Name,
        element: ElementId,
        shape: Shape<'static>,
        resource_type: Option<usize>,
    ) -> Step<Members> {
        let node = self.open(Kind::Object, name, element.raw())?;
        let mut members = Members { node, shape, values: 0, companions: 0, has_resource_type: false, has_gap: false };
        let mut is_first = true;
        while self.more_members(is_first)? {
            is_first = false;
            self.member(&mut members, resource_type)?;
        }
        self.close(node);
        self.finish(&members, is_first)?;
        Ok(members)
    }

    /// Whether another member follows; its name, behind the quote, is next then.
    #[inline(always)]
    pub(super) fn more_members(&mut self, is_first: bool) -> Step<bool> {
        match self.bytes.get(self.at..self.at + 2) {
            Some(b",\"") if !is_first => {
                self.at += 2;
                Ok(true)
            }
            Some([b'"', _]) if is_first => {
                self.at += 1;
                Ok(true)
            }
            Some([b'}', _]) => {
                self.at += 1;
                Ok(false)
            }
            _ => self.more_members_apart(is_first),
        }
    }

    /// The same where there is space, or something else.
    #[inline(never)]
    fn more_members_apart(&mut self, is_first: bool) -> Step<bool> {
        self.space();
        match self.byte() {
            Some(b'}') => {
                self.at += 1;
                return Ok(false);
            }
            Some(b',') if !is_first => {
                self.at += 1;
                self.space();
            }
            _ if !is_first => return self.fault(Fault::CommaOrBrace),
            _ => {}
        }
        if self.byte() != Some(b'"') {
            return self.fault(Fault::Name);
        }
        self.at += 1;
        Ok(true)
    }

    fn member(&mut self, members: &mut Members, resource_type: Option<usize>) -> Step {
        if let Some((length, value)) = short_name(self.bytes, self.at) {
            let (start, end) = (self.at, self.at + length);
            let text = self.bytes.get(start..end).unwrap_or_default();
            if let Some(element) = members.shape.member_with(Key::within(self.bytes, start, end), text) {
                self.at = start + value;
                let name = Name { start: start as u32, length: length as u16, is_escaped: false };
                return self.value_of(members, name, element);
            }
        }
        self.any_member(members, resource_type)
    }

    /// The same for a name that is long, has escapes or space around it, or is none of the shape.
    #[inline(never)]
    fn any_member(&mut self, members: &mut Members, resource_type: Option<usize>) -> Step {
        let name = self.member_name()?;
        if name.is_escaped {
            self.report(Problem::EscapedName)?;
            return self.untyped(name);
        }
        let span = name.span();
        let key = Key::within(self.bytes, span.start, span.end);
        let text = self.bytes.get(span).unwrap_or_default();
        match members.shape.member_with(key, text) {
            Some(element) => self.value_of(members, name, element),
            None if text == b"resourceType" && resource_type.is_some() => self.resource_type_member(members, name),
            None => self.other_member(members, name, text.first() == Some(&b'_')),
        }
    }

    /// Reads a member name and the colon; the value is next.
    #[inline]
    pub(super) fn member_name(&mut self) -> Step<Name> {
        let start = self.at;
        let quoted = match string(self.bytes, start) {
            Ok(quoted) => quoted,
            Err(error) => return self.syntax(error),
        };
        let Ok(length) = u16::try_from(quoted.close - start) else { return self.fault(Fault::LongName) };
        self.at = quoted.close + 1;
        match self.bytes.get(self.at..self.at + 2) {
            // Most JSON on the wire has no space.
            Some([b':', next]) if *next > b' ' => self.at += 1,
            _ => self.colon()?,
        }
        Ok(Name { start: start as u32, length, is_escaped: quoted.escaped })
    }

    /// Reads a colon and the space around it.
    fn colon(&mut self) -> Step {
        self.space();
        if self.byte() != Some(b':') {
            return self.fault(Fault::Colon);
        }
        self.at += 1;
        self.space();
        Ok(())
    }

    #[inline(always)]
    fn value_of(&mut self, members: &mut Members, name: Name, element: Element<'static>) -> Step {
        let bit = 1 << element.ordinal();
        if members.seen() & bit != 0 {
            self.seen_before(members, element, false)?;
        }
        members.values |= bit;
        let list = self.next_node();
        self.element(name, element)?;
        if element.is_list() && element.primitive().is_some() {
            members.has_gap |= self.has_gap(list);
        }
        Ok(())
    }

    fn has_gap(&self, list: u32) -> bool {
        self.scratch.nodes.iter().skip(list as usize).any(|node| node.kind == Kind::Null)
    }

    /// A companion, or a member that the shape does not have.
    #[cold]
    fn other_member(&mut self, members: &mut Members, name: Name, is_companion: bool) -> Step {
        let span = name.span();
        let of = self.bytes.get(span.start + 1..span.end).filter(|_| is_companion);
        let Some(element) = of.and_then(|of| members.shape.member(of)) else {
            self.report(Problem::UnknownMember)?;
            return self.untyped(name);
        };
        if element.primitive().is_none() {
            self.report(Problem::NoCompanion)?;
            return self.untyped(name);
        }
        let bit = 1 << element.ordinal();
        if members.seen() & bit != 0 {
            self.seen_before(members, element, true)?;
        }
        members.companions |= bit;
        self.companion(name, element)
    }

    fn resource_type_member(&mut self, members: &mut Members, name: Name) -> Step {
        if std::mem::replace(&mut members.has_resource_type, true) {
            self.report(Problem::DuplicateMember)?;
        }
        self.untyped(name)
    }

    /// `_birthDate`, or `_given` with one companion an item.
    pub(super) fn companion(&mut self, name: Name, element: Element<'static>) -> Step {
        let Some(shape) = element.shape() else { return self.untyped(name) };
        if !element.is_list() {
            return self.companion_object(name, element, shape);
        }
        if self.byte() != Some(b'[') {
            self.report(Problem::ExpectedArray)?;
            return self.pass_over(name, element);
        }
        let index = self.open(Kind::Array, name, element.id().raw())?;
        let mut count = 0_u32;
        while self.more_items(count == 0)? {
            count += 1;
            if self.byte() == Some(b'n') {
                self.untyped(Name::default())?;
            } else {
                self.companion_object(Name::default(), element, shape)?;
            }
        }
        self.close(index);
        if count == 0 { self.report_at(index, Problem::EmptyArray) } else { Ok(()) }
    }

    pub(super) fn companion_object(&mut self, name: Name, element: Element<'static>, shape: Shape<'static>) -> Step {
        if self.byte() != Some(b'{') {
            return self.no_object(name, element);
        }
        self.members(name, element.id(), shape, None).map(|_| ())
    }

    /// The element, or another variant of its choice, has been seen: a companion beside its value, or too much.
    #[cold]
    fn seen_before(&mut self, members: &Members, element: Element<'static>, companion: bool) -> Step {
        let mut problem = None;
        for known in self.open_children(members.node) {
            let same_side = is_companion(known) == companion;
            let id = ElementId::from_raw(known.node().element);
            let other = id.filter(|id| *id != element.id()).and_then(|id| self.rules.definitions.element(id));
            if id == Some(element.id()) && same_side {
                problem = Some(Problem::DuplicateMember);
            } else if let Some(other) = other.filter(|other| other.ordinal() == element.ordinal()) {
                problem = problem.or(Some(Problem::ChoiceConflict(other.id())));
            }
        }
        problem.map_or(Ok(()), |problem| self.report(problem))
    }

    /// The members so far of an object that is not closed yet.
    pub(super) fn open_children(&self, node: u32) -> impl Iterator<Item = Value<'_>> {
        let document = self.view();
        let mut next = node + 1;
        std::iter::from_fn(move || {
            let child = document.at(next)?;
            next = child.node().after;
            Some(child)
        })
    }

    #[inline]
    fn finish(&mut self, members: &Members, is_empty: bool) -> Step {
        if is_empty {
            self.report_at(members.node, Problem::EmptyObject)?;
        }
        if members.seen() == 1 && !is_empty {
            self.only_an_id(members)?;
        }
        let missing = members.shape.required() & !members.seen();
        if missing != 0 {
            self.missing(members, missing)?;
        }
        if members.companions != 0 || members.has_gap { self.check_companions(members) } else { Ok(()) }
    }

    /// The first element alone is there: that of an element is its id, which is no content (ele-1). Companions are looked at with
    /// their values.
    #[cold]
    fn only_an_id(&mut self, members: &Members) -> Step {
        let is_id = members.shape.elements().next().is_some_and(definitions::Element::is_element_id);
        let is_companion = self.view().at(members.node).is_some_and(is_companion);
        if is_id && !is_companion && members.shape.path() != "Element" {
            return self.report_at(members.node, Problem::NoContent);
        }
        Ok(())
    }

    #[cold]
    fn missing(&mut self, members: &Members, missing: u64) -> Step {
        for element in members.shape.elements().filter(|element| missing >> element.ordinal() & 1 == 1) {
            self.report_at(members.node, Problem::Missing(element.id()))?;
        }
        Ok(())
    }

    /// json.html#primitive: each item of a list, and each companion, has a partner or stands for itself.
    #[cold]
    fn check_companions(&mut self, members: &Members) -> Step {
        let mut problem = None;
        if let Some(object) = self.view().at(members.node) {
            let may_have_gap = |member: &Value<'_>| members.has_gap && member.kind() == Kind::Array;
            // Every companion with its value, and every list of values that could have gaps.
            for member in object.children().filter(|member| is_companion(*member) || may_have_gap(member)) {
                let side = is_companion(member);
                let element = member.node().element;
                let partner =
                    object.children().find(|other| other.node().element == element && is_companion(*other) != side);
                let (value, companion) = if side { (partner, Some(member)) } else { (Some(member), partner) };
                problem = problem.or_else(|| unpaired(value, companion));
            }
        }
        problem.map_or(Ok(()), |(node, problem)| self.report_at(node, problem))
    }
}

/// What is wrong with a primitive's value and companion, which may both be lists.
fn unpaired(value: Option<Value<'_>>, companion: Option<Value<'_>>) -> Option<(u32, Problem)> {
    let is_list = value.or(companion).is_some_and(|either| either.kind() == Kind::Array);
    if !is_list {
        return unpaired_item(value, companion);
    }
    let mut values = value.into_iter().flat_map(Value::children);
    let mut companions = companion.into_iter().flat_map(Value::children);
    loop {
        match (values.next(), companions.next()) {
            (None, None) => return None,
            (value, companion) => {
                let found = unpaired_item(value, companion);
                if found.is_some() {
                    return found;
                }
            }
        }
    }
}

fn unpaired_item(value: Option<Value<'_>>, companion: Option<Value<'_>>) -> Option<(u32, Problem)> {
    let present = |side: Option<Value<'_>>| side.filter(|side| side.kind() != Kind::Null).is_some();
    let index = value.or(companion)?.index();
    match (present(value), present(companion)) {
        (true, _) => None,
        (false, false) => Some((index, Problem::EmptyItem)),
        (false, true) => companion
            .filter(|companion| companion.kind() == Kind::Object && companion.member("extension").is_none())
            .map(|companion| (companion.index(), Problem::NoContent)),
    }
}
