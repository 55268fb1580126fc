//! Single values: ours to theirs and back.

use definitions::Primitive;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use super::settings::{Field, JsonType, Parameter};
use super::tree::Tree;

/// How one value is written on both sides.
#[derive(Clone, Debug, Default)]
pub(crate) struct Conversion {
    /// Ours, theirs.
    values: Vec<(String, String)>,
    prefix: Option<String>,
    format: Option<String>,
    zone: Option<TimeZone>,
    json: Option<JsonType>,
    primitive: Option<Primitive>,
}

impl Conversion {
    /// The rule of a field.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn of_field(field: &Field, primitive: Option<Primitive>) -> Result<Self, String> {
        let made = Self {
            values: field.values.iter().map(|(ours, theirs)| (ours.clone(), theirs.clone())).collect(),
            prefix: field.prefix.clone(),
            format: field.format.clone(),
            zone: field.zone.as_deref().map(zone).transpose()?,
            json: field.r#type,
            primitive,
        };
        let is_time = matches!(primitive, Some(Primitive::Date | Primitive::DateTime | Primitive::Instant));
        if (made.format.is_some() || made.zone.is_some()) && primitive.is_some() && !is_time {
            return Err("`format` and `zone` are for dates and times".to_owned());
        }
        made.check_format()?;
        Ok(made)
    }

    /// The rule of a search parameter.
    ///
    /// # Errors
    /// As [`Conversion::of_field`].
    pub(crate) fn of_parameter(parameter: &Parameter) -> Result<Self, String> {
        let made = Self {
            values: parameter.values.iter().map(|(ours, theirs)| (ours.clone(), theirs.clone())).collect(),
            format: parameter.format.clone(),
            ..Self::default()
        };
        made.check_format()?;
        Ok(made)
    }

    fn check_format(&self) -> Result<(), String> {
        let Some(format) = self.format.as_deref().filter(|format| !format.starts_with("unix")) else { return Ok(()) };
        let moment = Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC);
        jiff::fmt::strtime::format(format, &moment)
            .map(|_| ())
            .map_err(|_| format!("`{format}` is no format of a date or time: `%d.%m.%Y %H:%M`, `unix`, `unix-ms`"))
    }

    /// Theirs as ours; none for what cannot be mapped.
    pub(crate) fn ours(&self, theirs: &Tree) -> Option<Tree> {
        let text = theirs.text().filter(|text| !text.is_empty())?;
        let text = if self.values.is_empty() {
            text
        } else {
            self.values.iter().find(|(_, theirs)| *theirs == text).map(|(ours, _)| ours.clone())?
        };
        let text = if self.format.is_some() || self.zone.is_some() { self.our_time(&text)? } else { text };
        let text = format!("{}{text}", self.prefix.as_deref().unwrap_or_default());
        match self.primitive {
            Some(Primitive::Boolean) => text.parse().ok().map(Tree::Boolean),
            Some(Primitive::Integer | Primitive::UnsignedInt | Primitive::PositiveInt | Primitive::Decimal) => {
                is_number(&text).then_some(Tree::Number(text))
            }
            _ => Some(Tree::Text(text)),
        }
    }

    /// Ours as theirs; none for what cannot be mapped.
    pub(crate) fn theirs(&self, ours: &Tree) -> Option<Tree> {
        let text = ours.text()?;
        let text = match &self.prefix {
            Some(prefix) => text.strip_prefix(prefix.as_str())?.to_owned(),
            None => text,
        };
        let text = if self.values.is_empty() {
            text
        } else {
            self.values.iter().find(|(ours, _)| *ours == text).map(|(_, theirs)| theirs.clone())?
        };
        let text = if self.format.is_some() || self.zone.is_some() { self.their_time(&text)? } else { text };
        match (self.json, ours) {
            (Some(JsonType::String), _) => Some(Tree::Text(text)),
            (Some(JsonType::Number), _) => is_number(&text).then_some(Tree::Number(text)),
            (Some(JsonType::Boolean), _) => text.parse().ok().map(Tree::Boolean),
            (None, Tree::Number(_)) if is_number(&text) => Some(Tree::Number(text)),
            (None, Tree::Boolean(value)) if self.values.is_empty() => Some(Tree::Boolean(*value)),
            (None, _) if self.is_unix() => Some(Tree::Number(text)),
            (None, _) => Some(Tree::Text(text)),
        }
    }

    fn is_unix(&self) -> bool {
        matches!(self.format.as_deref(), Some("unix" | "unix-ms"))
    }

    fn zone(&self) -> TimeZone {
        self.zone.clone().unwrap_or(TimeZone::UTC)
    }

    fn our_time(&self, text: &str) -> Option<String> {
        let is_date = self.primitive == Some(Primitive::Date);
        let moment: Zoned = match self.format.as_deref() {
            Some("unix") => Timestamp::from_second(text.parse().ok()?).ok()?.to_zoned(self.zone()),
            Some("unix-ms") => Timestamp::from_millisecond(text.parse().ok()?).ok()?.to_zoned(self.zone()),
            Some(format) if is_date => return Date::strptime(format, text).ok().map(|date| date.to_string()),
            Some(format) => match Zoned::strptime(format, text)
                .or_else(|_| Timestamp::strptime(format, text).map(|moment| moment.to_zoned(self.zone())))
            {
                Ok(moment) => moment,
                Err(_) => DateTime::strptime(format, text).ok()?.to_zoned(self.zone()).ok()?,
            },
            None => match text.parse::<Timestamp>() {
                Ok(moment) => moment.to_zoned(self.zone()),
                Err(_) => text.parse::<DateTime>().ok()?.to_zoned(self.zone()).ok()?,
            },
        };
        let format = if is_date { "%Y-%m-%d" } else { "%Y-%m-%dT%H:%M:%S%.f%:z" };
        jiff::fmt::strtime::format(format, &moment).ok()
    }

    fn their_time(&self, text: &str) -> Option<String> {
        // A year or a month alone says less than the format wants.
        let moment = match text.parse::<Timestamp>() {
            Ok(moment) => moment.to_zoned(self.zone()),
            Err(_) if text.len() == 10 => text.parse::<Date>().ok()?.to_zoned(self.zone()).ok()?,
            Err(_) => return None,
        };
        match self.format.as_deref() {
            Some("unix") => Some(moment.timestamp().as_second().to_string()),
            Some("unix-ms") => Some(moment.timestamp().as_millisecond().to_string()),
            format => jiff::fmt::strtime::format(format.unwrap_or("%Y-%m-%dT%H:%M:%S"), &moment).ok(),
        }
    }
}

fn zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name).map_err(|_| format!("unknown time zone `{name}`: expected such as `Europe/Berlin`"))
}

/// RFC 8259 6.
fn is_number(text: &str) -> bool {
    serde_json::from_str::<serde_json::Number>(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(field: serde_json::Value, primitive: Primitive) -> Conversion {
        Conversion::of_field(&serde_json::from_value(field).unwrap(), Some(primitive)).unwrap()
    }

    fn both_ways(rule: &Conversion, ours: Tree, theirs: Tree) {
        assert_eq!(rule.theirs(&ours), Some(theirs.clone()));
        assert_eq!(rule.ours(&theirs), Some(ours));
    }

    fn text(text: &str) -> Tree {
        Tree::Text(text.to_owned())
    }

    #[test]
    fn values_prefixes_and_types_go_both_ways() {
        let gender = rule(serde_json::json!({ "values": { "male": "M", "female": "F" } }), Primitive::Code);
        both_ways(&gender, text("female"), text("F"));
        assert_eq!((gender.ours(&text("X")), gender.theirs(&text("other"))), (None, None));
        let reference = rule(serde_json::json!({ "prefix": "Patient/", "type": "number" }), Primitive::String);
        both_ways(&reference, text("Patient/7"), Tree::Number("7".into()));
        let active =
            rule(serde_json::json!({ "values": { "true": "1", "false": "0" }, "type": "number" }), Primitive::Boolean);
        both_ways(&active, Tree::Boolean(true), Tree::Number("1".into()));
        both_ways(
            &rule(serde_json::json!({}), Primitive::Decimal),
            Tree::Number("1.50".into()),
            Tree::Number("1.50".into()),
        );
        assert_eq!(rule(serde_json::json!({}), Primitive::Decimal).ours(&text("a lot")), None);
    }

    #[test]
    fn dates_and_times_are_written_as_each_side_has_them() {
        let date = rule(serde_json::json!({ "format": "%d.%m.%Y" }), Primitive::Date);
        both_ways(&date, text("1970-03-01"), text("01.03.1970"));
        assert_eq!(date.theirs(&text("1970")), None);
        let local =
            rule(serde_json::json!({ "format": "%Y-%m-%d %H:%M", "zone": "Europe/Berlin" }), Primitive::DateTime);
        both_ways(&local, text("2030-07-01T09:00:00+02:00"), text("2030-07-01 09:00"));
        both_ways(&local, text("2030-01-01T09:00:00+01:00"), text("2030-01-01 09:00"));
        let unix = rule(serde_json::json!({ "format": "unix" }), Primitive::Instant);
        both_ways(&unix, text("1970-01-01T00:01:00+00:00"), Tree::Number("60".into()));
    }

    #[test]
    fn a_format_or_zone_that_cannot_work_is_said() {
        for wrong in [serde_json::json!({ "format": "%Q%" }), serde_json::json!({ "zone": "Europe/Atlantis" })] {
            let field = serde_json::from_value(wrong).unwrap();
            assert!(Conversion::of_field(&field, Some(Primitive::DateTime)).is_err());
        }
        let field = serde_json::from_value(serde_json::json!({ "format": "%Y" })).unwrap();
        assert!(Conversion::of_field(&field, Some(Primitive::Code)).is_err());
    }
}
