//! `_pretty=true`: line breaks and indentation around the tokens as they are. Nothing is parsed into values, so
//! decimals and escapes stay what they were.

/// Bytes beyond which nobody reads along: printed as they are.
const LONGEST: usize = 4 * 1024 * 1024;
/// Deeper levels are not indented further, so that a hostile document does not grow by its square.
const DEEPEST: usize = 64;

/// Prints a JSON text with two blanks a level. Takes what is JSON; what is not comes out somehow, and bounded.
pub(super) fn print(json: &[u8]) -> Vec<u8> {
    if json.len() > LONGEST {
        return json.to_vec();
    }
    let mut out = Vec::with_capacity(json.len() * 2);
    let mut depth = 0_usize;
    let mut rest = json.trim_ascii();
    while let Some((&byte, after)) = rest.split_first() {
        rest = match byte {
            b'"' => copy_string(rest, &mut out),
            _ => after,
        }
        .trim_ascii_start();
        match byte {
            b'"' => {}
            b'{' | b'[' => {
                out.push(byte);
                if !matches!(rest.first(), Some(b'}' | b']')) {
                    depth += 1;
                    break_line(&mut out, depth);
                }
            }
            b'}' | b']' => {
                if !matches!(out.last(), Some(b'{' | b'[')) {
                    depth = depth.saturating_sub(1);
                    break_line(&mut out, depth);
                }
                out.push(byte);
            }
            b',' => {
                out.push(byte);
                break_line(&mut out, depth);
            }
            b':' => out.extend_from_slice(b": "),
            other => out.push(other),
        }
    }
    out
}

/// Copies a string with its quotes; returns what stands behind it.
fn copy_string<'a>(text: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let mut escaped = true;
    let end = text.iter().position(|byte| {
        let closes = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        closes
    });
    let (string, rest) = text.split_at(end.map_or(text.len(), |end| end + 1));
    out.extend_from_slice(string);
    rest
}

fn break_line(out: &mut Vec<u8>, depth: usize) {
    out.push(b'\n');
    out.resize(out.len() + 2 * depth.min(DEEPEST), b' ');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(json: &str) -> String {
        String::from_utf8(print(json.as_bytes())).unwrap()
    }

    #[test]
    fn only_blanks_are_added() {
        assert_eq!(
            printed(r#" {"a":1.50,"b":[ "x\"{",{}],"c":[]} "#),
            "{\n  \"a\": 1.50,\n  \"b\": [\n    \"x\\\"{\",\n    {}\n  ],\n  \"c\": []\n}"
        );
        for odd in ["", "\"", "{", "}}}}", "[[[", "\"\\"] {
            print(odd.as_bytes());
        }
    }
}
