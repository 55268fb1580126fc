//! The FHIRPath of where a conversion stands.

use std::fmt::Write as _;

use crate::fault::shortened;

/// Element names and indexes from the root down.
#[derive(Default)]
pub(crate) struct Path<'a>(Vec<(&'a str, Option<u32>)>);

impl<'a> Path<'a> {
    pub(crate) fn push(&mut self, name: &'a str, index: Option<u32>) {
        self.0.push((name, index));
    }

    pub(crate) fn pop(&mut self) {
        self.0.pop();
    }

    /// `Patient.name[0].given[1]`; none before the root is known.
    pub(crate) fn expression(&self) -> Option<String> {
        let mut text = String::new();
        for (name, index) in &self.0 {
            if !text.is_empty() {
                text.push('.');
            }
            push_name(&mut text, name);
            if let Some(index) = index {
                let _ = write!(text, "[{index}]");
            }
        }
        (!text.is_empty()).then_some(text)
    }
}

/// Quoted by FHIRPath's rules when it is no identifier.
fn push_name(text: &mut String, name: &str) {
    let is_identifier = name.len() <= 64
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    if is_identifier {
        text.push_str(name);
    } else {
        let _ = write!(text, "`{}`", shortened(name).replace('`', "\\`"));
    }
}
