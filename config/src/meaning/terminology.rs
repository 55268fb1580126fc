//! The terminology server.

use super::Meaning;
use super::network::private_url;

pub(super) fn check(meaning: &mut Meaning<'_>) {
    let settings = &meaning.config.terminology;
    if let Some(server) = &settings.server {
        private_url(meaning, &["terminology", "server"], server);
        let has_more = server.query().is_some() || server.fragment().is_some() || !server.username().is_empty();
        if has_more || server.cannot_be_a_base() {
            let message = "`server` is more than a scheme, a host and a path";
            meaning.fault(
                &["terminology", "server"],
                message,
                "expected the base of a FHIR server: https://tx.example/r4",
            );
        }
    }
    for (name, secret) in [("token", &settings.token), ("password", &settings.password)] {
        let Some(secret) = secret else { continue };
        if settings.server.is_none() {
            meaning.fault(
                &["terminology", name],
                format!("no server that `{name}` is for"),
                "expected `server` beside it",
            );
        }
        if let Err(error) = secret.read() {
            meaning.fault(&["terminology", name], error.to_string(), "expected a secret there");
        }
    }
    match (&settings.token, &settings.user, &settings.password) {
        (Some(_), Some(_), _) => {
            meaning.fault(&["terminology", "user"], "`user` stands beside `token`", "expected one of them");
        }
        (None, Some(_), None) => {
            meaning.fault(&["terminology", "user"], "`user` has no password", "expected `password` beside it");
        }
        (_, None, Some(_)) => {
            meaning.fault(&["terminology", "password"], "`password` is nobody's", "expected `user` beside it");
        }
        _ => {}
    }
}
