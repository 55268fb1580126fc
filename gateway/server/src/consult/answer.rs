//! What a terminology server says to `$validate-code` (valueset-operation-validate-code.html).

use http::StatusCode;
use serde_json::{Value, json};
use terminology::{Inquiry, Unanswered};

/// The question as Parameters. Nothing but canonicals, versions and the code is in it.
pub(super) fn parameters(inquiry: &Inquiry) -> Value {
    let mut all = Vec::new();
    let mut put = |name: &str, kind: &str, value: Option<&str>| {
        all.extend(value.map(|value| json!({ "name": name, kind: value })));
    };
    let (url, url_version) = match inquiry.value_set.as_deref().map(|canonical| canonical.split_once('|')) {
        Some(Some((url, version))) => (Some(url), Some(version)),
        _ => (inquiry.value_set.as_deref(), None),
    };
    match url {
        Some(url) => {
            put("url", "valueUri", Some(url));
            put("valueSetVersion", "valueString", url_version);
            put("system", "valueUri", inquiry.system.as_deref());
            put("systemVersion", "valueString", inquiry.version.as_deref());
        }
        None => {
            put("url", "valueUri", inquiry.system.as_deref());
            put("version", "valueString", inquiry.version.as_deref());
        }
    }
    put("code", "valueCode", Some(&inquiry.code));
    if url.is_some() && inquiry.system.is_none() {
        all.push(json!({ "name": "inferSystem", "valueBoolean": true }));
    }
    json!({ "resourceType": "Parameters", "parameter": all })
}

/// Whether it has the code. Anything but a clear yes or no is no answer.
pub(super) fn read(status: StatusCode, body: &[u8]) -> Result<bool, Unanswered> {
    let Ok(body) = serde_json::from_slice::<Value>(body) else { return Err(Unanswered::Unavailable) };
    let of_type = body.get("resourceType").and_then(Value::as_str);
    match (status, of_type) {
        (StatusCode::OK, Some("Parameters")) => result(&body),
        // A value set or a code system that it does not have, or cannot expand.
        (
            StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND | StatusCode::UNPROCESSABLE_ENTITY,
            Some("OperationOutcome"),
        ) => Err(Unanswered::Unknown),
        _ => Err(Unanswered::Unavailable),
    }
}

fn result(parameters: &Value) -> Result<bool, Unanswered> {
    let all = parameters.get("parameter").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let named = |name: &str| all.iter().find(|parameter| parameter.get("name").and_then(Value::as_str) == Some(name));
    let result = named("result").and_then(|result| result.get("valueBoolean")).and_then(Value::as_bool);
    match result {
        Some(false) if is_ignorance(named) => Err(Unanswered::Unknown),
        Some(has) => Ok(has),
        None => Err(Unanswered::Unavailable),
    }
}

/// A no that only says that it does not know the code system or the value set, or cannot work it out.
fn is_ignorance<'p>(named: impl Fn(&str) -> Option<&'p Value>) -> bool {
    let says = |name: &str| named(name).is_some();
    let issues = named("issues").and_then(|issues| issues.pointer("/resource/issue")).and_then(Value::as_array);
    let mut codes = issues.into_iter().flatten().filter_map(|issue| issue.get("code").and_then(Value::as_str));
    says("x-unknown-system")
        || says("x-caused-by-unknown-system")
        || codes.any(|code| matches!(code, "not-found" | "not-supported" | "too-costly" | "exception"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inquiry(value_set: Option<&str>, system: Option<&str>) -> Inquiry {
        Inquiry {
            value_set: value_set.map(str::to_owned),
            system: system.map(str::to_owned),
            version: None,
            code: "a".to_owned(),
        }
    }

    #[test]
    fn a_value_set_and_a_code_system_are_asked_as_their_operations_have_it() {
        let named = |inquiry: &Inquiry| -> Vec<(String, Value)> {
            let parameters = parameters(inquiry);
            let all = parameters["parameter"].as_array().unwrap().clone();
            let value = |parameter: &Value| {
                parameter.as_object().unwrap().iter().find(|(name, _)| name.starts_with("value")).unwrap().1.clone()
            };
            all.iter().map(|parameter| (parameter["name"].as_str().unwrap().to_owned(), value(parameter))).collect()
        };
        let text = |name: &str, value: &str| (name.to_owned(), json!(value));
        assert_eq!(
            named(&inquiry(Some("http://x/vs|1"), Some("http://x/cs"))),
            [
                text("url", "http://x/vs"),
                text("valueSetVersion", "1"),
                text("system", "http://x/cs"),
                text("code", "a")
            ]
        );
        assert_eq!(named(&inquiry(None, Some("http://x/cs"))), [text("url", "http://x/cs"), text("code", "a")]);
        let infer = ("inferSystem".to_owned(), json!(true));
        assert_eq!(named(&inquiry(Some("http://x/vs"), None)), [text("url", "http://x/vs"), text("code", "a"), infer]);
    }

    #[test]
    fn only_a_clear_yes_or_no_is_an_answer() {
        let told = |status: u16, body: &Value| read(StatusCode::from_u16(status).unwrap(), body.to_string().as_bytes());
        let result = |has: bool, more: &[Value]| {
            let all = [vec![json!({ "name": "result", "valueBoolean": has })], more.to_vec()].concat();
            json!({ "resourceType": "Parameters", "parameter": all })
        };
        let issue = |code: &str| json!({ "name": "issues", "resource": { "resourceType": "OperationOutcome", "issue": [{ "code": code }] } });
        assert_eq!(told(200, &result(true, &[])), Ok(true));
        assert_eq!(told(200, &result(false, &[issue("code-invalid")])), Ok(false));
        assert_eq!(told(200, &result(false, &[issue("not-found")])), Err(Unanswered::Unknown));
        let unknown = json!({ "name": "x-unknown-system", "valueCanonical": "http://x/cs" });
        assert_eq!(told(200, &result(false, &[unknown])), Err(Unanswered::Unknown));
        assert_eq!(told(404, &json!({ "resourceType": "OperationOutcome" })), Err(Unanswered::Unknown));
        for (status, body) in [
            (200, json!({ "resourceType": "Parameters" })),
            (200, json!({ "resourceType": "OperationOutcome" })),
            (200, json!([1])),
            (404, json!({ "error": "no such page" })),
            (401, json!({ "resourceType": "OperationOutcome" })),
            (500, result(true, &[])),
        ] {
            assert_eq!(told(status, &body), Err(Unanswered::Unavailable), "{status} {body}");
        }
        assert_eq!(read(StatusCode::OK, b"<html>"), Err(Unanswered::Unavailable));
    }
}
