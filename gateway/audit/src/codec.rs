//! A record as bytes: fields in a fixed order, texts with a varint length. Read back as a view on the same bytes.
//!
//! Frame in a segment: length (u32, little endian), CRC-32 of length and payload, payload.

use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, SystemTime};

use fhir::InteractionCode;

use crate::record::{Outcome, Record};

/// Bytes before a payload: length and checksum.
pub(crate) const FRAME: usize = 8;
/// No payload is longer: what claims to be is damage.
pub(crate) const LONGEST: usize = 1 << 20;
/// Patients of one frame; a record with more becomes several frames.
pub(crate) const MOST_PATIENTS: usize = 1024;

const FORMAT: u8 = 1;

/// The numbers that stand for interactions in the log. Append only: written logs depend on them.
const INTERACTIONS: [InteractionCode; 15] = [
    InteractionCode::Read,
    InteractionCode::Vread,
    InteractionCode::Update,
    InteractionCode::Patch,
    InteractionCode::Delete,
    InteractionCode::HistoryInstance,
    InteractionCode::HistoryType,
    InteractionCode::HistorySystem,
    InteractionCode::Create,
    InteractionCode::SearchType,
    InteractionCode::SearchSystem,
    InteractionCode::Capabilities,
    InteractionCode::Transaction,
    InteractionCode::Batch,
    InteractionCode::Operation,
];
const OUTCOMES: [Outcome; 4] = [Outcome::Success, Outcome::Minor, Outcome::Serious, Outcome::Major];

/// A record on its bytes. No `Debug`: it is all patient data.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) recorded: i64,
    pub(crate) interaction: InteractionCode,
    pub(crate) outcome: Outcome,
    pub(crate) address: IpAddr,
    pub(crate) practice: &'a str,
    pub(crate) reason: &'a str,
    pub(crate) base: &'a str,
    pub(crate) scopes: &'a str,
    pub(crate) request_id: &'a str,
    pub(crate) client: Option<&'a str>,
    pub(crate) user: Option<&'a str>,
    pub(crate) token: Option<&'a str>,
    pub(crate) subject: Option<(&'a str, &'a str, Option<&'a str>)>,
    pub(crate) query: Option<&'a str>,
    patients: Reader<'a>,
    patient_count: u32,
}

impl<'a> View<'a> {
    /// The patients in order.
    pub(crate) fn patients(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let mut reader = self.patients;
        (0..self.patient_count).map_while(move |_| reader.text())
    }

    /// How many AuditEvents it is: one for each patient, or one.
    pub(crate) const fn events(&self) -> u32 {
        if self.patient_count == 0 { 1 } else { self.patient_count }
    }

    /// The patient of an event.
    pub(crate) fn patient(&self, event: u32) -> Option<&'a str> {
        self.patients().nth(event as usize)
    }

    pub(crate) fn decode(payload: &'a [u8]) -> Option<Self> {
        let mut reader = Reader(payload);
        if reader.byte()? != FORMAT {
            return None;
        }
        let recorded = i64::from_le_bytes(*reader.take(8)?.first_chunk()?);
        let interaction = *INTERACTIONS.get(usize::from(reader.byte()?))?;
        let outcome = *OUTCOMES.get(usize::from(reader.byte()?))?;
        let address = Ipv6Addr::from(*reader.take(16)?.first_chunk::<16>()?).to_canonical();
        let (practice, reason, base) = (reader.text()?, reader.text()?, reader.text()?);
        let (scopes, request_id) = (reader.text()?, reader.text()?);
        let (client, user, token) = (reader.optional()?, reader.optional()?, reader.optional()?);
        let subject = match reader.optional()? {
            Some(resource_type) => Some((resource_type, reader.text()?, reader.optional()?)),
            None => None,
        };
        let query = reader.optional()?;
        let patient_count = u32::try_from(reader.number()?).ok()?;
        Some(Self {
            recorded,
            interaction,
            outcome,
            address,
            practice,
            reason,
            base,
            scopes,
            request_id,
            client,
            user,
            token,
            subject,
            query,
            patients: reader,
            patient_count,
        })
    }
}

/// Appends a record to a buffer: one frame, or several when it has very many patients. Returns the number of frames.
pub(crate) fn append(record: &Record, buffer: &mut Vec<u8>) -> u32 {
    let mut chunks = record.patients.chunks(MOST_PATIENTS);
    let mut frames = 0;
    let mut next = Some(chunks.next().unwrap_or_default());
    while let Some(patients) = next {
        append_frame(record, patients, buffer);
        frames += 1;
        next = chunks.next();
    }
    frames
}

fn append_frame(record: &Record, patients: &[fhir::Id], buffer: &mut Vec<u8>) {
    let start = buffer.len();
    buffer.extend_from_slice(&[0; FRAME]);
    write(record, patients, buffer);
    let Some((head, payload)) = buffer.get_mut(start..).and_then(|frame| frame.split_at_mut_checked(FRAME)) else {
        return;
    };
    // Every text is cut, so that the length fits by far.
    let length = (payload.len() as u32).to_le_bytes();
    head[..4].copy_from_slice(&length);
    head[4..].copy_from_slice(&checksum(length, payload).to_le_bytes());
}

fn write(record: &Record, patients: &[fhir::Id], out: &mut Vec<u8>) {
    out.push(FORMAT);
    out.extend_from_slice(&micros(record.recorded).to_le_bytes());
    out.push(position(&INTERACTIONS, &record.interaction));
    out.push(position(&OUTCOMES, &record.outcome));
    let address = match record.agent.address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    };
    out.extend_from_slice(&address.octets());
    text(out, record.practice.as_str());
    text(out, &record.reason);
    text(out, &record.base);
    text(out, &record.agent.scopes);
    text(out, &record.request_id);
    optional(out, record.agent.client.as_deref());
    optional(out, record.agent.user.as_deref());
    optional(out, record.agent.token.as_deref());
    optional(out, record.subject.as_ref().map(|subject| subject.resource_type.as_str()));
    if let Some(subject) = &record.subject {
        text(out, subject.id.as_str());
        optional(out, subject.version_id.as_ref().map(fhir::VersionId::as_str));
    }
    optional(out, record.query.as_deref());
    number(out, patients.len());
    for patient in patients {
        text(out, patient.as_str());
    }
}

fn position<T: PartialEq>(table: &[T], value: &T) -> u8 {
    table.iter().position(|known| known == value).and_then(|index| u8::try_from(index).ok()).unwrap_or(u8::MAX)
}

/// Microseconds since 1970; negative before.
pub(crate) fn micros(time: SystemTime) -> i64 {
    let since = |duration: Duration| i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => since(after),
        Err(before) => -since(before.duration()),
    }
}

fn number(out: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn text(out: &mut Vec<u8>, text: &str) {
    let text = cut(text);
    number(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

/// None is 0; a text is its length and one more.
fn optional(out: &mut Vec<u8>, text: Option<&str>) {
    let text = text.map(cut);
    number(out, text.map_or(0, |text| text.len() + 1));
    out.extend_from_slice(text.unwrap_or_default().as_bytes());
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(Record::LONGEST_QUERY)]
}

/// The checksum of a frame; its length is part of it, so that a damaged length is seen.
pub(crate) fn checksum(length: [u8; 4], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&length);
    hasher.update(payload);
    hasher.finalize()
}

/// The frame at the front of a buffer: its payload and its whole length. None when it is torn or damaged.
pub(crate) fn frame(buffer: &[u8]) -> Option<(&[u8], usize)> {
    let (head, rest) = buffer.split_at_checked(FRAME)?;
    let length = *head.first_chunk::<4>()?;
    let sum = u32::from_le_bytes(*head.last_chunk::<4>()?);
    let size = u32::from_le_bytes(length) as usize;
    let payload = rest.get(..size).filter(|_| size <= LONGEST)?;
    (checksum(length, payload) == sum).then_some((payload, FRAME + size))
}

#[derive(Clone, Copy)]
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn number(&mut self) -> Option<usize> {
        let mut value = 0;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.byte()?;
            value |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = self.number()?;
        std::str::from_utf8(self.take(length)?).ok()
    }

    #[allow(clippy::option_option, reason = "outside: whether it could be read; inside: whether it was there")]
    fn optional(&mut self) -> Option<Option<&'a str>> {
        match self.number()? {
            0 => Some(None),
            length => std::str::from_utf8(self.take(length - 1)?).ok().map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use adapter::Practice;
    use proptest::prelude::*;

    use super::*;
    use crate::record::{Agent, Subject};

    fn record(text: &str, patients: usize) -> Record {
        Record {
            practice: Practice::default(),
            recorded: SystemTime::UNIX_EPOCH + Duration::from_micros(1_700_000_000_123_456),
            interaction: InteractionCode::SearchType,
            outcome: Outcome::Serious,
            reason: text.into(),
            agent: Agent {
                client: Some(text.into()),
                user: None,
                address: Ipv4Addr::LOCALHOST.into(),
                token: Some("".into()),
                scopes: text.into(),
            },
            base: text.into(),
            subject: Some(Subject {
                resource_type: fhir::ResourceType::SLOT,
                id: "s1".parse().unwrap(),
                version_id: None,
            }),
            patients: (0..patients).map(|number| format!("p{number}").parse().unwrap()).collect(),
            query: Some(text.into()),
            request_id: text.into(),
        }
    }

    fn bytes(record: &Record) -> Vec<u8> {
        let mut buffer = Vec::new();
        append(record, &mut buffer);
        buffer
    }

    #[test]
    fn every_interaction_and_outcome_has_a_number_of_its_own() {
        assert!(InteractionCode::ALL.iter().all(|code| INTERACTIONS.contains(code)));
        assert_eq!(INTERACTIONS.len(), InteractionCode::ALL.len());
    }

    #[test]
    fn a_record_with_very_many_patients_becomes_frames_that_are_not_too_long() {
        let buffer = bytes(&record("x", 2 * MOST_PATIENTS + 1));
        let (mut rest, mut events) = (buffer.as_slice(), 0);
        while let Some((payload, size)) = frame(rest) {
            events += View::decode(payload).unwrap().events() as usize;
            rest = &rest[size..];
        }
        assert_eq!((rest.len(), events), (0, 2 * MOST_PATIENTS + 1));
    }

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        let buffer = bytes(&record(&"é".repeat(Record::LONGEST_QUERY), 1));
        let view = View::decode(frame(&buffer).unwrap().0).unwrap();
        assert_eq!(view.query.unwrap().len(), Record::LONGEST_QUERY);
        let odd = bytes(&record(&format!("x{}", "é".repeat(Record::LONGEST_QUERY)), 1));
        assert_eq!(View::decode(frame(&odd).unwrap().0).unwrap().query.unwrap().len(), Record::LONGEST_QUERY - 1);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(text in ".{0,200}", patients in 0_usize..5) {
            let buffer = bytes(&record(&text, patients));
            let view = View::decode(frame(&buffer).unwrap().0).unwrap();
            prop_assert_eq!(view.recorded, 1_700_000_000_123_456);
            prop_assert_eq!(view.outcome, Outcome::Serious);
            prop_assert_eq!(view.client, Some(text.as_str()));
            prop_assert_eq!((view.user, view.token), (None, Some("")));
            prop_assert_eq!(view.subject, Some(("Slot", "s1", None)));
            prop_assert_eq!(view.query, Some(text.as_str()));
            prop_assert_eq!(view.address, IpAddr::from(Ipv4Addr::LOCALHOST));
            prop_assert_eq!(view.patients().count(), patients);
        }

        #[test]
        fn a_changed_byte_is_seen(at in 0_usize..120, change in 1_u8..) {
            let mut buffer = bytes(&record("some text of some length", 2));
            let at = at % buffer.len();
            buffer[at] ^= change;
            prop_assert!(frame(&buffer).is_none());
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = frame(&bytes);
            if let Some(view) = View::decode(&bytes) {
                let _ = view.patients().count();
            }
            let framed = [&[FORMAT], bytes.as_slice()].concat();
            if let Some(view) = View::decode(&framed) {
                let _ = view.patients().count();
            }
        }
    }
}
