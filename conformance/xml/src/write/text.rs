//! Text in the value of an attribute.

use super::Step;
use crate::fault::Fault;

/// Writes text so that every reader gets it back: white space characters that readers make spaces, as references.
pub(super) fn escape(text: &[u8], out: &mut Vec<u8>) -> Step {
    let mut rest = text;
    while let Some(at) = rest.iter().position(|byte| is_special(*byte)) {
        let (plain, special) = rest.split_at(at);
        out.extend_from_slice(plain);
        let escape: &[u8] = match special {
            [b'&', ..] => b"&amp;",
            [b'<', ..] => b"&lt;",
            [b'>', ..] => b"&gt;",
            [b'"', ..] => b"&quot;",
            [b'\t', ..] => b"&#9;",
            [b'\n', ..] => b"&#10;",
            [b'\r', ..] => b"&#13;",
            [0xEF, 0xBF, 0xBE | 0xBF, ..] => return Err(Fault::Character),
            [0xEF, ..] => b"\xEF",
            _ => return Err(Fault::Character),
        };
        out.extend_from_slice(escape);
        rest = special.get(1..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    Ok(())
}

const fn is_special(byte: u8) -> bool {
    matches!(byte, 0..0x20 | b'&' | b'<' | b'>' | b'"' | 0xEF)
}
