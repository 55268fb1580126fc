//! The functions, by the groups of the specification.

mod boundary;
mod conversion;
mod existence;
mod fhir;
mod iteration;
mod math;
mod subset;
mod temporal;
mod terminologies;
mod text;

use super::{Evaluated, EvaluationError, Evaluator, Frame};
use crate::function::Function as F;
use crate::item::{Collection, Item};
use crate::program::Op;
use smallvec::{SmallVec, smallvec};

/// The input and the evaluated arguments of a call.
pub(super) struct Call<'c, 'a> {
    pub(super) input: &'c [Item<'a>],
    pub(super) arguments: &'c [Collection<'a>],
}

impl<'a> Call<'_, 'a> {
    /// An argument; an absent one is empty.
    pub(super) fn argument(&self, index: usize) -> &[Item<'a>] {
        self.arguments.get(index).map_or(&[], Collection::as_slice)
    }
}

impl<'a> Evaluator<'_, 'a> {
    /// Calls a function: first those that evaluate their arguments themselves.
    pub(super) fn call(
        &mut self,
        function: F,
        arguments: &'a [Op],
        input: Collection<'a>,
        frame: &Frame<'_, 'a>,
    ) -> Evaluated<'a> {
        match (function, arguments) {
            (F::Exists, [condition]) => self.any(&input, condition, frame),
            (F::Exists, _) => Ok(smallvec![Item::Boolean(!input.is_empty())]),
            (F::Where, [condition]) => self.filter(input, condition, frame),
            (F::All, [condition]) => self.all(&input, condition, frame),
            (F::Select, [projection]) => self.select(&input, projection, frame),
            (F::Repeat, [projection]) => self.repeat(input, projection, frame, true),
            (F::RepeatAll, [projection]) => self.repeat(input, projection, frame, false),
            (F::Iif, [condition, rest @ ..]) => self.iif(&input, condition, rest, frame),
            (F::Aggregate, [aggregator, rest @ ..]) => self.aggregate(&input, aggregator, rest.first(), frame),
            (F::Coalesce, alternatives) => self.coalesce(&input, alternatives, frame),
            (F::Sort, keys) => self.sort(input, keys, frame),
            (F::DefineVariable, [name, rest @ ..]) => self.define_variable(input, name, rest.first(), frame),
            // The log of a gateway holds no data: a trace goes nowhere.
            (F::Trace, _) => Ok(input),
            _ => {
                // Arguments are evaluated where the call stands, not on its input.
                let mut evaluated = SmallVec::<[Collection<'a>; 2]>::new();
                for argument in arguments {
                    evaluated.push(self.isolated(argument, frame)?);
                }
                self.plain_call(function, &Call { input: &input, arguments: &evaluated })
            }
        }
    }

    /// Calls a function whose arguments are evaluated, in the group that it belongs to.
    #[rustfmt::skip] // A line a function would hide that these are nine groups.
    fn plain_call(&mut self, function: F, call: &Call<'_, 'a>) -> Evaluated<'a> {
        match function {
            F::Children => self.children(call.input),
            F::Descendants => self.descendants(call.input),
            F::Resolve => self.resolve(call.input),
            F::Empty | F::Not | F::AllTrue | F::AnyTrue | F::AllFalse | F::AnyFalse | F::SubsetOf | F::SupersetOf
            | F::Count | F::Distinct | F::IsDistinct => self.existence(function, call),
            F::Single | F::First | F::Last | F::Tail | F::Skip | F::Take | F::Intersect | F::Exclude | F::Union
            | F::Combine => self.subset(function, call),
            F::IndexOf | F::LastIndexOf | F::Substring | F::StartsWith | F::EndsWith | F::Contains | F::Upper
            | F::Lower | F::Replace | F::Matches | F::MatchesFull | F::ReplaceMatches | F::Length | F::ToChars
            | F::Trim | F::Split | F::Join | F::Encode | F::Decode | F::Escape | F::Unescape => {
                self.text_function(function, call)
            }
            F::Abs | F::Ceiling | F::Exp | F::Floor | F::Ln | F::Log | F::Power | F::Round | F::Sqrt | F::Truncate
            | F::Sum | F::Min | F::Max | F::Avg => self.math(function, call),
            F::Now | F::Today | F::TimeOfDay | F::YearOf | F::MonthOf | F::DayOf | F::HourOf | F::MinuteOf
            | F::SecondOf | F::MillisecondOf | F::TimezoneOffsetOf | F::DateOf | F::TimeOf => self.temporal(function, call),
            F::LowBoundary | F::HighBoundary | F::Precision => self.boundary(function, call),
            F::Extension | F::HasExtension | F::HasValue | F::ValueOf | F::HtmlChecks | F::ConformsTo | F::MemberOf
            | F::Subsumes | F::SubsumedBy | F::ElementDefinition | F::Slice | F::CheckModifiers | F::Type
            | F::Comparable | F::Expand | F::LookUp | F::ValidateInValueSet | F::ValidateInCodeSystem | F::Translate => {
                self.fhir(function, call)
            }
            _ => self.conversion(function, call),
        }
    }

    /// `undecidable` as a result.
    pub(super) const fn undecidable(name: &'static str) -> EvaluationError {
        EvaluationError::Undecidable(name)
    }
}
