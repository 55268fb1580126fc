//! Attachments (datatypes.html#attachment): `size` and `hash` are those of `data`.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use fhir::IssueType;
use fhir::json::Value;
use sha1::{Digest as _, Sha1};

use super::read;
use crate::report::Report;

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const BASE64: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);

/// Nothing is decoded where neither is stated.
pub(super) fn check(attachment: Value<'_>, report: &mut Report) {
    let (size, hash) = (attachment.member("size"), attachment.member("hash"));
    if size.is_none() && hash.is_none() {
        return;
    }
    let Some(data) = read::text(attachment, "data").and_then(|data| decoded(&data)) else { return };
    // R5 writes integer64 as a string.
    let stated =
        size.and_then(|size| size.number().map(str::to_owned).or_else(|| size.text().map(|text| text.into_owned())));
    if let Some(stated) =
        stated.and_then(|stated| stated.parse::<u64>().ok()).filter(|stated| *stated != data.len() as u64)
    {
        let expected = format!("expected a size of {}, which is that of the data, found {stated}", data.len());
        report.error(attachment.index(), IssueType::Structure, expected);
    }
    let Some(stated) = hash.and_then(Value::text).and_then(|hash| decoded(&hash)) else { return };
    if stated != Sha1::digest(&data).as_slice() {
        report.error(attachment.index(), IssueType::Structure, "expected the hash to be the SHA-1 of the data");
    }
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    let compact: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    BASE64.decode(compact).ok()
}
