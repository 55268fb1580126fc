//! `%terminologies` (fhirpath.html#txapi): operations whose answers are resources.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::Call;
use crate::evaluate::{Evaluated, EvaluationError, Evaluator};
use crate::function::Function as F;
use crate::item::{Collection, Item};
use crate::services::LookUp;

const NAME: &str = "%terminologies";

/// A code with its system, where one is known.
type Coded<'a> = (Option<Cow<'a, str>>, Cow<'a, str>);

impl<'a> Evaluator<'_, 'a> {
    pub(super) fn terminologies(&mut self, function: F, call: &Call<'_, 'a>) -> Evaluated<'a> {
        self.charge(16)?;
        let answer = match function {
            F::Expand => self.expand(call)?,
            F::LookUp => self.look_up(call)?,
            F::ValidateInValueSet => self.validate_in_value_set(call)?,
            F::ValidateInCodeSystem => self.validate_in_code_system(call)?,
            F::Translate => self.translate(call)?,
            F::Subsumes => return self.subsumption(call),
            _ => return Err(EvaluationError::WrongType { operation: NAME, expected: "an operation of it" }),
        };
        // A service that does not know gives nothing (fhirpath.html#txapi).
        let Some(answer) = answer else { return Ok(Collection::new()) };
        Ok(Collection::from_iter([self.foreign(answer.to_string().into_bytes(), None, NAME)?]))
    }

    /// A canonical, or that of the resource that is given.
    fn canonical(&mut self, call: &Call<'_, 'a>) -> Result<Option<Cow<'a, str>>, EvaluationError> {
        let argument = call.argument(0);
        let url = match argument {
            [item @ Item::Element(_)] if self.to_system(item).is_none() => {
                let url = self.member(argument, &"url".into(), 1)?;
                return self.text(&url, NAME);
            }
            _ => argument,
        };
        self.text(url, NAME)
    }

    fn expand(&mut self, call: &Call<'_, 'a>) -> Result<Option<Value>, EvaluationError> {
        let Some(value_set) = self.canonical(call)? else { return Ok(None) };
        let parameters = self.text(call.argument(1), NAME)?.unwrap_or_default();
        let filter = parameter(&parameters, "filter");
        let count = parameter(&parameters, "count").and_then(|count| count.parse().ok());
        let Some(codes) = self.environment.services.expand(&value_set, filter, count) else { return Ok(None) };
        self.charge(codes.len() as u64)?;
        let contains: Vec<Value> =
            codes.into_iter().map(|it| coding(Some(&it.system), &it.code, it.display.as_deref())).collect();
        Ok(Some(json!({
            "resourceType": "ValueSet",
            "url": value_set,
            "status": "active",
            "expansion": { "total": contains.len(), "contains": contains },
        })))
    }

    fn look_up(&mut self, call: &Call<'_, 'a>) -> Result<Option<Value>, EvaluationError> {
        let coded = call.argument(0).first().map(|item| self.codes(item)).unwrap_or_default();
        for (system, code) in &coded {
            let Some(system) = system else { continue };
            if let Some(LookUp::Known(display)) = self.environment.services.look_up(system, code) {
                let mut all =
                    vec![json!({ "name": "code", "valueCode": code }), json!({ "name": "system", "valueUri": system })];
                all.extend(display.map(|display| json!({ "name": "display", "valueString": display })));
                return Ok(Some(parameters(all)));
            }
        }
        Ok(None)
    }

    fn validate_in_value_set(&mut self, call: &Call<'_, 'a>) -> Result<Option<Value>, EvaluationError> {
        let Some(value_set) = self.canonical(call)? else { return Ok(None) };
        let services = self.environment.services;
        self.validated(call, |(system, code)| services.member_of(system.as_deref(), code, &value_set))
    }

    fn validate_in_code_system(&mut self, call: &Call<'_, 'a>) -> Result<Option<Value>, EvaluationError> {
        let Some(code_system) = self.canonical(call)? else { return Ok(None) };
        let services = self.environment.services;
        self.validated(call, |(system, code)| {
            if system.as_ref().is_some_and(|system| *system != code_system) {
                return Some(false);
            }
            services.look_up(&code_system, code).map(|found| found != LookUp::Absent)
        })
    }

    /// Whether one of the codes of the second argument passes; none when nobody knows.
    fn validated(
        &mut self,
        call: &Call<'_, 'a>,
        passes: impl Fn(&Coded<'a>) -> Option<bool>,
    ) -> Result<Option<Value>, EvaluationError> {
        let coded = call.argument(1).first().map(|item| self.codes(item)).unwrap_or_default();
        self.charge(coded.len() as u64)?;
        let answers: Vec<Option<bool>> = coded.iter().map(passes).collect();
        let result = match () {
            () if answers.contains(&Some(true)) => true,
            () if answers.contains(&None) || answers.is_empty() => return Ok(None),
            () => false,
        };
        Ok(Some(parameters(vec![json!({ "name": "result", "valueBoolean": result })])))
    }

    fn translate(&mut self, call: &Call<'_, 'a>) -> Result<Option<Value>, EvaluationError> {
        let Some(concept_map) = self.canonical(call)? else { return Ok(None) };
        let coded = call.argument(1).first().map(|item| self.codes(item)).unwrap_or_default();
        let is_r5 = self.model.version() == fhir::Version::R5;
        let (relationship, word) = if is_r5 { ("relationship", "valueCode") } else { ("equivalence", "valueCode") };
        let mut matches = Vec::new();
        for (system, code) in &coded {
            let found = self.environment.services.translate(&concept_map, system.as_deref(), code);
            let Some(found) = found else { return Ok(None) };
            self.charge(found.len() as u64)?;
            matches.extend(found.into_iter().map(|it| {
                let concept = coding(it.system.as_deref(), &it.code, None);
                let parts = json!([{ "name": relationship, word: it.relationship }, { "name": "concept", "valueCoding": concept }]);
                json!({ "name": "match", "part": parts })
            }));
        }
        let mut all = vec![json!({ "name": "result", "valueBoolean": !matches.is_empty() })];
        all.append(&mut matches);
        Ok(Some(parameters(all)))
    }

    /// A code of `concept-subsumption-outcome`.
    fn subsumption(&mut self, call: &Call<'_, 'a>) -> Evaluated<'a> {
        let system = self.text(call.argument(0), NAME)?;
        let first = |items: &[Item<'a>]| items.first().map(|item| self.codes(item)).unwrap_or_default();
        let (left, right) = (first(call.argument(1)), first(call.argument(2)));
        let (Some(system), [(_, left), ..], [(_, right), ..]) = (system, left.as_slice(), right.as_slice()) else {
            return Ok(Collection::new());
        };
        let services = self.environment.services;
        let outcome = match (left == right, services.subsumes(&system, left, right)) {
            (true, _) => "equivalent",
            (false, Some(true)) => "subsumes",
            (false, _) => match services.subsumes(&system, right, left) {
                Some(true) => "subsumed-by",
                Some(false) => "not-subsumed",
                None => return Ok(Collection::new()),
            },
        };
        Ok(Collection::from_iter([Item::text(outcome)]))
    }
}

fn parameters(all: Vec<Value>) -> Value {
    json!({ "resourceType": "Parameters", "parameter": all })
}

fn coding(system: Option<&str>, code: &str, display: Option<&str>) -> Value {
    let mut coding = serde_json::Map::new();
    let fields = [("system", system), ("code", Some(code)), ("display", display)];
    coding.extend(fields.into_iter().filter_map(|(name, text)| Some((name.to_owned(), Value::from(text?)))));
    Value::Object(coding)
}

/// A parameter of `a=1&b=2`.
fn parameter<'p>(parameters: &'p str, name: &str) -> Option<&'p str> {
    parameters.split('&').find_map(|pair| pair.split_once('=').filter(|(own, _)| *own == name)).map(|(_, value)| value)
}
