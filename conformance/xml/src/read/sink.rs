//! The JSON that is being written, and where it comes from.

/// JSON and marks: offset in it, offset in the XML.
#[derive(Default)]
pub(super) struct Sink {
    pub(super) bytes: Vec<u8>,
    pub(super) marks: Vec<(u32, u32)>,
}

impl Sink {
    /// Notes that what follows comes from that offset in the XML.
    pub(super) fn mark(&mut self, xml: usize) {
        self.marks.push((self.bytes.len() as u32, xml as u32));
    }

    pub(super) fn raw(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// Separates from a member or item in front, if there is one.
    pub(super) fn comma(&mut self) {
        if !matches!(self.bytes.last(), None | Some(b'{' | b'[' | b',')) {
            self.bytes.push(b',');
        }
    }

    /// `"name":` or `"_name":`; names come from the definitions.
    pub(super) fn key(&mut self, prefix: &str, name: &str) {
        self.comma();
        self.bytes.push(b'"');
        self.raw(prefix);
        self.raw(name);
        self.raw("\":");
    }

    /// A string of characters that XML allows.
    pub(super) fn string(&mut self, text: &str) {
        self.bytes.push(b'"');
        let mut rest = text.as_bytes();
        while let Some(at) = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)) {
            let (plain, special) = rest.split_at(at);
            self.bytes.extend_from_slice(plain);
            let escape = match special.first() {
                Some(b'"') => "\\\"",
                Some(b'\\') => "\\\\",
                Some(b'\n') => "\\n",
                Some(b'\r') => "\\r",
                // XML allows no other.
                _ => "\\t",
            };
            self.raw(escape);
            rest = special.get(1..).unwrap_or_default();
        }
        self.bytes.extend_from_slice(rest);
        self.bytes.push(b'"');
    }

    /// Appends what was written aside.
    pub(super) fn append(&mut self, aside: &Self) {
        let shift = self.bytes.len() as u32;
        self.marks.extend(aside.marks.iter().map(|(json, xml)| (json + shift, *xml)));
        self.bytes.extend_from_slice(&aside.bytes);
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.marks.clear();
    }
}
