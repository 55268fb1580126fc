//! Discriminators (profiling.html#discriminator): paths into what a slice demands, and the conditions at their ends.

use std::sync::Arc;

use definitions::{Element, Strength};
use package::{Canonical, Discriminator, DiscriminatorType, ElementDefinition, Structure, canonical};

use super::super::model::{Check, Literal, Step, Test};
use super::Compiler;
use super::tree::named;

/// An element of a structure.
#[derive(Clone)]
pub(super) struct Spot {
    pub(super) structure: Arc<Structure>,
    pub(super) index: usize,
}

impl Spot {
    fn definition(&self) -> Option<&ElementDefinition> {
        self.structure.elements.get(self.index)
    }

    /// The members of that name: the element, then its slices.
    fn members(&self, name: &str) -> Vec<Self> {
        let found = named(&self.structure.elements, self.index, name);
        found.map(|index| Self { structure: Arc::clone(&self.structure), index }).collect()
    }
}

/// A discriminator and the element that is sliced.
struct By<'d> {
    discriminator: &'d Discriminator,
    element: Element<'static>,
}

impl By<'_> {
    const fn is_value(&self) -> bool {
        matches!(self.discriminator.type_, DiscriminatorType::Value | DiscriminatorType::Pattern)
    }
}

/// How deep values are looked for below the end of a path.
const DEPTH: usize = 6;

impl Compiler<'_> {
    /// The condition of one discriminator for the slice at `spot`, which is the `place`th.
    pub(super) fn tests(
        &self,
        discriminator: &Discriminator,
        spot: &Spot,
        place: usize,
        element: Element<'static>,
    ) -> Result<Test, String> {
        let steps = steps(&discriminator.path)
            .ok_or_else(|| format!("the path `{}` cannot be evaluated", discriminator.path))?;
        let place = u32::try_from(place).unwrap_or(u32::MAX);
        if discriminator.type_ == DiscriminatorType::Position {
            return Ok(Test { path: Box::default(), check: Check::Position(place) });
        }
        let by = By { discriminator, element };
        // What is merely there or not tells slices apart only where no value does.
        let found =
            [false, true].into_iter().find_map(|may_be_presence| self.seek(&by, spot, &steps, 0, may_be_presence));
        found.ok_or_else(|| format!("nothing is said of `{}`, which tells slices apart", discriminator.path))
    }

    /// The condition behind the first steps of a path: of the first place there that says something.
    fn seek(&self, by: &By<'_>, here: &Spot, steps: &[Step], done: usize, may_be_presence: bool) -> Option<Test> {
        let Some(step) = steps.get(done) else {
            let check = self.check(by, here, may_be_presence)?;
            return Some(Test { path: steps.into(), check });
        };
        let part = here.definition().filter(|_| by.is_value()).and_then(|it| part(it, steps, done));
        if part.is_some() {
            return part;
        }
        if *step == Step::Resolve && done + 1 == steps.len() {
            return self.target_test(by.discriminator.type_, here, steps);
        }
        self.follow(here, step).iter().find_map(|next| self.seek(by, next, steps, done + 1, may_be_presence))
    }

    fn check(&self, by: &By<'_>, here: &Spot, may_be_presence: bool) -> Option<Check> {
        let definition = here.definition()?;
        let codes = || definition.types.iter().map(|used| used.code.as_str().into()).collect::<Vec<Box<str>>>();
        match by.discriminator.type_ {
            DiscriminatorType::Value | DiscriminatorType::Pattern => {
                self.value(here, 0).or_else(|| presence(definition).filter(|_| may_be_presence))
            }
            DiscriminatorType::Exists => presence(definition),
            DiscriminatorType::Type => Some(Check::Type(match (definition.types.is_empty(), here.index) {
                (false, _) => codes().into(),
                (true, 0) => Box::new([here.structure.type_.as_str().into()]),
                (true, _) => Box::new([by.element.type_name().into()]),
            })),
            DiscriminatorType::Profile => {
                let profiles: Vec<Box<str>> =
                    definition.types.iter().flat_map(|used| &used.profiles).map(|url| url.as_str().into()).collect();
                Some(match (profiles.is_empty(), here.index) {
                    (false, _) => Check::Profile(profiles.into()),
                    (true, 0) => Check::Profile(Box::new([here.structure.canonical().into()])),
                    (true, _) => Check::Type(codes().into()),
                })
            }
            DiscriminatorType::Position => None,
        }
    }

    /// What is referred to.
    fn target_test(&self, by: DiscriminatorType, here: &Spot, steps: &[Step]) -> Option<Test> {
        let targets = here.definition().into_iter().flat_map(|element| &element.types).flat_map(|used| &used.targets);
        let targets: Vec<Box<str>> = targets.map(|target| target.as_str().into()).collect();
        if targets.is_empty() {
            return None;
        }
        let is_type =
            |target: &str| canonical::core_name(target).is_some_and(|it| self.definitions.type_named(it).is_some());
        let check = if by == DiscriminatorType::Type || targets.iter().all(|target| is_type(target)) {
            let type_of = |target: &str| match canonical::core_name(target).filter(|_| is_type(target)) {
                Some(name) => Some(name.into()),
                None => self.registry.structure(target).map(|structure| structure.type_.as_str().into()),
            };
            Check::Type(targets.iter().filter_map(|target| type_of(target)).collect())
        } else {
            Check::Profile(targets.into())
        };
        Some(Test { path: steps.into(), check })
    }

    /// One step of a path: into the slice, then into the profiles of its types, then into its types.
    fn follow(&self, here: &Spot, step: &Step) -> Vec<Spot> {
        match step {
            Step::Member(name) => {
                let beyond = self.beyond(here);
                let beyond = beyond.iter().flat_map(|spot| spot.members(name));
                here.members(name).into_iter().chain(beyond).collect()
            }
            Step::Extension(url) => {
                let has_url = |spot: &Spot| {
                    let profiles = spot.definition().into_iter().flat_map(|it| &it.types).flat_map(|it| &it.profiles);
                    let mut urls = profiles.map(|profile| Canonical::of(profile).url);
                    urls.any(|known| known == url.as_ref()) || self.url_of(spot).as_deref() == Some(url)
                };
                let own =
                    here.members("extension").into_iter().chain(here.members("modifierExtension")).filter(has_url);
                let known = self.registry.extension(url).map(|structure| Spot { structure, index: 0 });
                own.chain(known).collect()
            }
            Step::OfType(_) => vec![here.clone()],
            Step::Resolve => {
                let targets = here.definition().into_iter().flat_map(|it| &it.types).flat_map(|used| &used.targets);
                let structures = targets.filter_map(|target| self.registry.structure(target));
                structures.map(|structure| Spot { structure, index: 0 }).collect()
            }
        }
    }

    /// The roots of what says more about an element: its content, profiles of its types, its types.
    fn beyond(&self, here: &Spot) -> Vec<Spot> {
        let Some(definition) = here.definition() else { return Vec::new() };
        let profiles = definition.types.iter().flat_map(|used| &used.profiles);
        let profiles = profiles.filter_map(|profile| self.registry.structure(profile));
        let types = definition.types.iter().filter_map(|used| self.registry.type_structure(&used.code));
        profiles.chain(types).map(|structure| Spot { structure, index: 0 }).collect()
    }

    /// The url that an extension at a spot has.
    fn url_of(&self, spot: &Spot) -> Option<String> {
        let urls = self.follow(spot, &Step::Member("url".into()));
        let fixed = urls.iter().find_map(|url| url.definition()?.fixed.as_ref())?;
        Some(Literal::of(&fixed.json)?.root()?.text()?.into_owned())
    }

    /// The value that an element must have: its own, or those of its members together.
    fn value(&self, here: &Spot, depth: usize) -> Option<Check> {
        let definition = here.definition()?;
        if let Some(check) = given(definition) {
            return Some(check);
        }
        if depth >= DEPTH {
            return None;
        }
        if let Some(members) = self.member_values(here, depth) {
            return Some(members);
        }
        let binding = definition.binding.as_ref().filter(|binding| binding.strength == Strength::Required);
        if let Some(value_set) = binding.and_then(|binding| binding.value_set.as_deref()) {
            return Some(Check::Codes(value_set.into()));
        }
        // An extension or a data type with a profile: its root says it.
        let mut profiles = definition.types.iter().flat_map(|used| &used.profiles);
        let profile = profiles.next().filter(|_| profiles.next().is_none())?;
        let structure = self.registry.structure(profile)?;
        self.value(&Spot { structure, index: 0 }, depth + 1)
    }

    fn member_values(&self, here: &Spot, depth: usize) -> Option<Check> {
        let path = here.definition()?.path.clone();
        let below = here.structure.elements.iter().enumerate().skip(here.index + 1);
        let mut parts = Vec::new();
        for (index, element) in below {
            let Some(rest) = element.path.strip_prefix(path.as_str()).and_then(|rest| rest.strip_prefix('.')) else {
                break;
            };
            let is_optional_slice = element.slice_name.is_some() && element.min == 0;
            if rest.contains('.') || is_optional_slice || element.max == Some(0) {
                continue;
            }
            // Only what is written here: what types say holds for every slice.
            let spot = Spot { structure: Arc::clone(&here.structure), index };
            let value = given(element).or_else(|| self.member_values(&spot, depth + 1).filter(|_| depth < DEPTH));
            if let Some(value) = value {
                parts.push((rest.strip_suffix("[x]").unwrap_or(rest).into(), value));
            }
        }
        (!parts.is_empty()).then(|| Check::Members(parts.into()))
    }
}

fn given(definition: &ElementDefinition) -> Option<Check> {
    let fixed = definition.fixed.as_ref().and_then(|fact| Literal::of(&fact.json)).map(Check::Fixed);
    fixed.or_else(|| definition.pattern.as_ref().and_then(|fact| Literal::of(&fact.json)).map(Check::Pattern))
}

/// The condition at the end of a path in the value that an element must have: that part of it, where the path leads to one
/// thing; else the whole value, of which a part is asked.
fn part(definition: &ElementDefinition, steps: &[Step], done: usize) -> Option<Test> {
    let fact = definition.fixed.as_ref().or(definition.pattern.as_ref())?;
    let whole = Literal::of(&fact.json)?;
    let mut here = whole.root()?;
    for step in steps.iter().skip(done) {
        let Step::Member(name) = step else { return None };
        let next = here.member(name).and_then(|member| {
            let mut items = member.items();
            items.next().filter(|_| items.next().is_none())
        });
        match next {
            Some(next) => here = next,
            None => {
                let path = steps.iter().take(done).cloned().collect();
                return Some(Test { path, check: Check::Pattern(Literal::of(&fact.json)?) });
            }
        }
    }
    let literal = Literal::of(here.raw())?;
    let check = if definition.fixed.is_some() { Check::Fixed(literal) } else { Check::Pattern(literal) };
    Some(Test { path: steps.into(), check })
}

fn presence(definition: &ElementDefinition) -> Option<Check> {
    match (definition.min, definition.max) {
        (_, Some(0)) => Some(Check::Exists(false)),
        (0, _) => None,
        _ => Some(Check::Exists(true)),
    }
}

/// The path of a discriminator; none when it is not of that simple language.
fn steps(path: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut rest = path.trim();
    while !rest.is_empty() {
        let end = end_of_step(rest);
        let (step, after) = rest.split_at_checked(end)?;
        rest = after.strip_prefix('.').unwrap_or(after);
        let argument =
            |name: &str| step.strip_prefix(name)?.strip_suffix(')').map(|it| it.trim_matches(['\'', '"', ' ']));
        if step == "$this" {
            continue;
        } else if step == "resolve()" {
            steps.push(Step::Resolve);
        } else if let Some(url) = argument("extension(") {
            steps.push(Step::Extension(url.into()));
        } else if let Some(name) = argument("ofType(").or_else(|| argument("as(")) {
            steps.push(Step::OfType(name.into()));
        } else {
            let name = step.strip_suffix("[x]").unwrap_or(step).trim_matches('`');
            if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') || name.is_empty() {
                return None;
            }
            steps.push(Step::Member(name.into()));
        }
    }
    Some(steps)
}

/// The offset of the dot behind the first step, quotes and brackets passed over.
fn end_of_step(path: &str) -> usize {
    let (mut depth, mut is_quoted) = (0_i32, false);
    for (at, byte) in path.bytes().enumerate() {
        match byte {
            b'\'' | b'"' => is_quoted = !is_quoted,
            b'(' if !is_quoted => depth += 1,
            b')' if !is_quoted => depth -= 1,
            b'.' if !is_quoted && depth == 0 => return at,
            _ => {}
        }
    }
    path.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_a_discriminator_is_read_as_steps() {
        let member = |name: &str| Step::Member(name.into());
        assert_eq!(steps("$this"), Some(vec![]));
        assert_eq!(steps("code.coding.system"), Some(vec![member("code"), member("coding"), member("system")]));
        assert_eq!(steps("value[x]"), Some(vec![member("value")]));
        assert_eq!(steps("$this.resolve()"), Some(vec![Step::Resolve]));
        let url = Step::Extension("http://example.org/a.b".into());
        assert_eq!(steps("extension('http://example.org/a.b').value"), Some(vec![url, member("value")]));
        assert_eq!(steps("value.ofType(Quantity)"), Some(vec![member("value"), Step::OfType("Quantity".into())]));
        assert_eq!(steps("a + b"), None);
    }
}
