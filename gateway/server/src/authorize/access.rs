//! May they? Scopes against the interaction, and how far the answer reaches.

use std::sync::Arc;

use adapter::PracticeAdditions;
use fhir::interaction::{Level, Parameters};
use fhir::{Compartment, Handling, Interaction, Query, ResourceType, Version};
use search::{Criterion, Vocabulary};

use super::appointments;
use super::grant::Grant;
use super::scope::{Context, Permissions, Scope};
use crate::operations;

/// What the configuration says of contexts.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Types that a confined token may read outside its compartment.
    pub directory: Arc<[ResourceType]>,
    /// Types of `fhirUser` whose `user/` scopes reach the whole practice.
    pub staff: Vec<ResourceType>,
    /// What packages add to the search parameters of the specification.
    pub additions: PracticeAdditions,
}

/// How far a permitted request reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// All of the practice's data that the scopes of a context permit.
    Practice(Context),
    /// A directory read by a confined token: its type is free, whatever else comes with it is not.
    Directory(Context, Compartment),
    /// One compartment.
    Compartment(Context, Compartment),
}

impl Reach {
    /// The context whose scopes permitted the request.
    #[must_use]
    pub const fn context(&self) -> Context {
        match self {
            Self::Practice(context) | Self::Directory(context, _) | Self::Compartment(context, _) => *context,
        }
    }

    /// The patient that the token is confined to.
    #[must_use]
    pub const fn patient(&self) -> Option<&Compartment> {
        match self {
            Self::Practice(_) => None,
            Self::Directory(_, patient) | Self::Compartment(_, patient) => Some(patient),
        }
    }
}

/// Why a request is not permitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    /// What was expected.
    pub text: String,
    /// A scope that would permit it.
    pub scope: String,
}

/// What an interaction needs: permissions on types, and perhaps on all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Needs {
    types: Vec<(ResourceType, Permissions)>,
    all: Permissions,
    /// Any scope will do, because more is judged later: for each entry of a batch, and by an operation itself.
    any_scope: bool,
}

/// Decides whether a grant permits an interaction, and how far it reaches. System scopes go first, because they reach
/// furthest; scopes of different contexts add up that way.
///
/// # Errors
/// When no context permits it.
pub fn judge(grant: &Grant, interaction: &Interaction, version: Version, policy: &Policy) -> Result<Reach, Denied> {
    let needs = Needs::of(interaction, policy.additions.of(&grant.practice).on(version));
    let mut denied = None;
    for context in [Context::System, Context::User, Context::Patient] {
        if !needs.are_met(grant, context) {
            continue;
        }
        match reach(grant, context, interaction, version, policy) {
            Ok(reach) => return Ok(reach),
            Err(text) => denied = Some(Denied { text, scope: needs.scope(context) }),
        }
    }
    Err(denied.unwrap_or_else(|| needs.denial(grant)))
}

impl Needs {
    fn of(interaction: &Interaction, vocabulary: Vocabulary) -> Self {
        use Permissions as P;
        let on = |permissions: P| interaction.resource_type().map(|of| (of, permissions)).into_iter().collect();
        let one = |permissions: P| Self { types: on(permissions), all: P::default(), any_scope: false };
        // A condition searches, and its outcome tells what was found: it needs `s` beside the write, on all that it looks into.
        let by_condition = |permission: P, criteria: &Query| {
            one(permission.and(P::SEARCH)).and_of(criteria, interaction.resource_type(), vocabulary)
        };
        match interaction {
            Interaction::Capabilities => one(P::default()),
            Interaction::Read { .. } | Interaction::Vread { .. } | Interaction::HistoryInstance { .. } => one(P::READ),
            Interaction::Create { if_none_exist: None, .. } => one(P::CREATE),
            Interaction::Create { if_none_exist: Some(criteria), .. } => by_condition(P::CREATE, criteria),
            Interaction::Update { .. } | Interaction::Patch { .. } => one(P::UPDATE),
            Interaction::ConditionalUpdate { criteria, .. } | Interaction::ConditionalPatch { criteria, .. } => {
                by_condition(P::UPDATE, criteria)
            }
            Interaction::Delete { .. } => one(P::DELETE),
            Interaction::ConditionalDelete { criteria, .. } => by_condition(P::DELETE, criteria),
            Interaction::HistoryType { .. } => one(P::SEARCH),
            Interaction::SearchType { resource_type, query, .. } => {
                one(P::SEARCH).and_of(query, Some(*resource_type), vocabulary)
            }
            Interaction::SearchSystem { query, .. } => Self::system_search(query).and_of(query, None, vocabulary),
            Interaction::HistorySystem { .. } => Self { types: Vec::new(), all: P::SEARCH, any_scope: false },
            Interaction::Batch { .. } => Self { types: Vec::new(), all: P::ALL, any_scope: true },
            Interaction::Operation { name, level, parameters } => Self::operation(name, level, parameters),
        }
    }

    /// What the table of operations says; one that is not in it is taken to do anything.
    fn operation(name: &str, level: &Level, parameters: &Parameters) -> Self {
        let needed = match (operations::find(name, level), level) {
            (Some(operation), _) => (operation.needs)(level, parameters),
            (None, Level::Type(of) | Level::Instance(of, _)) if name != "everything" => {
                vec![(Some(*of), Permissions::ALL)]
            }
            _ => vec![(None, Permissions::ALL)],
        };
        let mut needs = Self { types: Vec::new(), all: Permissions::default(), any_scope: needed.is_empty() };
        for (of, permissions) in needed {
            match of {
                Some(of) => needs.types.push((of, permissions)),
                None => needs.all = needs.all.and(permissions),
            }
        }
        needs
    }

    /// `_type` names the types; without it every type is searched.
    fn system_search(query: &Query) -> Self {
        let named = query.all("_type").flat_map(|types| types.split(','));
        match named.map(str::parse).collect::<Result<Vec<ResourceType>, _>>() {
            Ok(types) if !types.is_empty() => Self {
                types: types.into_iter().map(|of| (of, Permissions::SEARCH)).collect(),
                all: Permissions::default(),
                any_scope: false,
            },
            _ => Self { types: Vec::new(), all: Permissions::SEARCH, any_scope: false },
        }
    }

    /// A chain or `_has` finds out about resources of other types: all that it may look into must be searchable too. One that is not
    /// understood could look anywhere.
    fn and_of(mut self, query: &Query, resource_type: Option<ResourceType>, vocabulary: Vocabulary) -> Self {
        if !query.iter().any(|(name, _)| looks_elsewhere(name)) {
            return self;
        }
        match search::parse(query, vocabulary, resource_type, Handling::Strict) {
            Ok(parsed) => parsed.criteria.iter().for_each(|criterion| self.touch(criterion)),
            Err(_) => self.all = self.all.and(Permissions::SEARCH),
        }
        self
    }

    /// The types behind the references of a criterion. A chain is at most a few links long.
    fn touch(&mut self, criterion: &Criterion) {
        match criterion {
            Criterion::Plain(_) => {}
            Criterion::Chain { alternatives, .. } => {
                for (resource_type, inner) in alternatives {
                    self.types.push((*resource_type, Permissions::SEARCH));
                    self.touch(inner);
                }
            }
            Criterion::Has { resource_type, criterion, .. } => {
                self.types.push((*resource_type, Permissions::SEARCH));
                self.touch(criterion);
            }
        }
    }

    fn are_met(&self, grant: &Grant, context: Context) -> bool {
        if self.any_scope {
            return grant.scopes.any(context);
        }
        let has_any = !self.types.is_empty() || !self.all.is_empty();
        has_any
            && grant.scopes.on_all(context).covers(self.all)
            && self.types.iter().all(|(of, needed)| grant.scopes.on(context, *of).covers(*needed))
    }

    /// A scope that would do, in the context that the token has.
    fn scope(&self, context: Context) -> String {
        let scope = |resource_type, permissions: Permissions| {
            Scope::Resource { context, resource_type, permissions }.to_string()
        };
        let all = (!self.all.is_empty()).then(|| scope(None, self.all));
        let types = self.types.iter().map(|(of, permissions)| scope(Some(*of), *permissions));
        all.into_iter().chain(types).collect::<Vec<_>>().join(" ")
    }

    fn denial(&self, grant: &Grant) -> Denied {
        let context = match (&grant.patient, &grant.user) {
            (Some(_), _) => Context::Patient,
            (None, Some(_)) => Context::User,
            (None, None) => Context::System,
        };
        let scope = self.scope(context);
        Denied { text: format!("the token does not permit this: expected scope `{scope}`"), scope }
    }
}

/// Whether a search parameter finds out about other resources than those it returns: a chain, `_has`, or an expression that
/// may hold either.
fn looks_elsewhere(name: &str) -> bool {
    name.contains('.') || name.starts_with("_has") || matches!(name, "_filter" | "_query")
}

/// Whether a search parameter is a chain or `_has`: an adapter that confines them sees in them what the token sees.
pub(crate) fn is_chain(name: &str) -> bool {
    name.contains('.') || name.starts_with("_has:")
}

/// Whether a search parameter looks into what may have been taken out of the answer.
fn looks_inside(name: &str) -> bool {
    matches!(name.split(':').next(), Some("_content" | "_text" | "_list"))
}

/// What an interaction finds its resources by.
fn criteria(interaction: &Interaction) -> Option<&Query> {
    match interaction {
        Interaction::SearchType { query, .. } => Some(query),
        Interaction::ConditionalUpdate { criteria, .. }
        | Interaction::ConditionalPatch { criteria, .. }
        | Interaction::ConditionalDelete { criteria, .. } => Some(criteria),
        Interaction::Create { if_none_exist, .. } => if_none_exist.as_ref(),
        _ => None,
    }
}

/// How far a context reaches, once its scopes permit the interaction.
fn reach(
    grant: &Grant,
    context: Context,
    interaction: &Interaction,
    version: Version,
    policy: &Policy,
) -> Result<Reach, String> {
    let patient = match context {
        Context::System => return Ok(Reach::Practice(context)),
        Context::User => match &grant.user {
            Some(user) if policy.staff.contains(&user.resource_type) => return Ok(Reach::Practice(context)),
            Some(user) => user.patient.as_ref(),
            None => None,
        },
        Context::Patient => grant.patient.as_ref(),
    };
    let patient = patient.ok_or_else(|| match context {
        Context::Patient => "the token has `patient/` scopes and names no patient".to_owned(),
        _ => "the token has `user/` scopes and names no user that may use them here".to_owned(),
    })?;
    confined(context, patient, interaction, version, policy)
}

fn confined(
    context: Context,
    patient: &Compartment,
    interaction: &Interaction,
    version: Version,
    policy: &Policy,
) -> Result<Reach, String> {
    let refused = |text: &str| Err(format!("a token of one patient {text}"));
    match interaction {
        Interaction::Batch { .. } => return Ok(Reach::Compartment(context, patient.clone())),
        Interaction::Operation { name, level, .. } => {
            let Some(operation) = operations::find(name, level) else { return refused("cannot call this") };
            return match operation.check_patient(level, patient) {
                Ok(()) => Ok(Reach::Compartment(context, patient.clone())),
                Err(text) => refused(text),
            };
        }
        Interaction::SearchSystem { .. } | Interaction::HistorySystem { .. } | Interaction::HistoryType { .. } => {
            return refused("can search one type at a time");
        }
        Interaction::SearchType { compartment: Some(other), .. } if other != patient => {
            return refused("can search that patient's compartment only");
        }
        _ => {}
    }
    // What is found may be shown to the patient, what it was found by may be of another one.
    if let Some(criteria) = criteria(interaction) {
        let may_chain = matches!(interaction, Interaction::SearchType { .. });
        let is_refused = |name: &str| (looks_elsewhere(name) && !(may_chain && is_chain(name))) || looks_inside(name);
        if criteria.iter().any(|(name, _)| is_refused(name)) {
            return refused(
                "cannot search by `_filter`, `_query`, `_list`, `_content` or `_text`, nor write by chains or `_has`",
            );
        }
        let of = interaction.resource_type();
        if criteria.iter().any(|(name, value)| appointments::asks_of_others(of, name, value, patient)) {
            return refused("can ask for appointments of that patient only");
        }
        if !appointments::is_open(of, criteria, version) {
            return refused(appointments::EXPECTED);
        }
    }
    let Some(resource_type) = interaction.resource_type() else { return refused("cannot call this") };
    if interaction.is_safe() && policy.directory.contains(&resource_type) {
        return Ok(Reach::Directory(context, patient.clone()));
    }
    if search::compartment::parameters(ResourceType::PATIENT, resource_type, version).is_none() {
        return Err(format!(
            "a token of one patient does not reach {resource_type}: it is in no patient's compartment"
        ));
    }
    Ok(Reach::Compartment(context, patient.clone()))
}
