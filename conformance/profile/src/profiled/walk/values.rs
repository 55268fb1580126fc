//! What a profile says of a value itself.

use fhir::IssueType;
use fhir::json::{Kind, Value};

use super::super::compare::{has_pattern, is_same};
use super::super::invariant::Place;
use super::super::items::Item;
use super::super::model::Bound;
use super::super::services::Known;
use super::{At, Walk};
use crate::explain::shortened;

impl<'a> Walk<'a, '_> {
    pub(super) fn values(&mut self, item: Item<'a>, at: At<'_>) {
        let rule = at.rule;
        let Some(value) = item.present() else {
            self.without_value(item, at);
            return;
        };
        if let Some(fixed) = rule.fixed.as_ref().filter(|fixed| fixed.root().is_some_and(|it| !is_same(value, it))) {
            self.unlike(value, &fixed.text(), "exactly", at);
        }
        let pattern = rule.pattern.as_ref();
        if let Some(pattern) = pattern.filter(|it| it.root().is_some_and(|it| !has_pattern(value, it))) {
            self.unlike(value, &pattern.text(), "at least", at);
        }
        if let Some(bound) = &rule.least {
            self.bound(value, bound, "no less than", at);
        }
        if let Some(bound) = &rule.most {
            self.bound(value, bound, "no more than", at);
        }
        if let Some(max) = rule.max_length {
            let length = value.text().map_or(0, |text| text.chars().count());
            if length > max as usize {
                self.error(value.index(), IssueType::TooLong, || {
                    format!("expected at most {max} characters, found {length} (profile {})", at.profile.canonical)
                });
            }
        }
    }

    /// A primitive with extensions alone.
    fn without_value(&mut self, item: Item<'a>, at: At<'_>) {
        let rule = at.rule;
        if rule.must_have_value {
            self.error(item.node, IssueType::Required, || {
                format!("expected `{}` to have a value (profile {})", rule.id, at.profile.canonical)
            });
        }
        let has_alternative = |url: &str| {
            let extensions = item.companion.and_then(|companion| companion.member("extension"));
            let url = url.split('|').next();
            extensions
                .into_iter()
                .flat_map(Value::children)
                .any(|it| it.member("url").and_then(Value::text).as_deref() == url)
        };
        if !rule.alternatives.is_empty() && !rule.alternatives.iter().any(|url| has_alternative(url)) {
            self.error(item.node, IssueType::Required, || {
                let urls = rule.alternatives.join(", ");
                format!("expected a value of `{}` or an extension {urls} (profile {})", rule.id, at.profile.canonical)
            });
        }
        let wanted = rule.fixed.as_ref().or(rule.pattern.as_ref());
        if let Some(wanted) = wanted {
            self.error(item.node, IssueType::Value, || {
                format!("expected {}, found no value (profile {})", short(&wanted.text()), at.profile.canonical)
            });
        }
    }

    #[cold]
    fn unlike(&mut self, value: Value<'a>, wanted: &str, how: &str, at: At<'_>) {
        self.error(value.index(), IssueType::Value, || {
            let found = match value.kind() {
                Kind::Object | Kind::Array => String::new(),
                _ => format!(", found {}", short(&String::from_utf8_lossy(value.raw()))),
            };
            format!("expected {how} {}{found} (profile {})", short(wanted), at.profile.canonical)
        });
    }

    fn bound(&mut self, value: Value<'a>, bound: &Bound, how: &str, at: At<'_>) {
        let services = Known::new(self.subject.validator, self.rule_depth);
        let place = Place {
            document: self.document,
            node: value.index(),
            resource: at.scope.resource,
            root: at.scope.root,
            services: &services,
        };
        if bound.holds.is_broken(&place, 0) {
            self.error(value.index(), IssueType::Value, || {
                format!("expected {how} {} (profile {})", bound.text, at.profile.canonical)
            });
        }
    }
}

/// A value of a profile as it is shown: in quotes that are no JSON.
fn short(json: &str) -> String {
    let plain = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(json);
    format!("`{}`", shortened(plain))
}
