//! Conditional reads (http.html#cread): 304 when the client's copy is the current one.

use std::time::{Duration, SystemTime};

use adapter::Reply;

use crate::receive::Preferences;

/// Whether what the client has is current. Only a reply about one resource can be.
pub(super) fn is_current(preferences: &Preferences, reply: &Reply) -> bool {
    let Some(subject) = &reply.subject else { return false };
    if preferences.if_none_match_any {
        return true;
    }
    if let Some(known) = &preferences.if_none_match {
        return subject.version_id.as_ref() == Some(known);
    }
    match (preferences.if_modified_since, reply.last_modified) {
        // An HTTP date has no fraction: what changed within its second has changed at it.
        (Some(since), Some(modified)) => whole_seconds(modified) <= since,
        _ => false,
    }
}

fn whole_seconds(at: SystemTime) -> SystemTime {
    let seconds = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}
