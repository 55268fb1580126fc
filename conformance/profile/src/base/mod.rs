//! Rules of the base specification that are no matter of one object's structure.

use crate::report::Report;
use crate::validator::Subject;

/// All of them.
pub(crate) fn check(subject: &Subject<'_>, report: &mut Report) {
    let _ = (subject, report);
}
