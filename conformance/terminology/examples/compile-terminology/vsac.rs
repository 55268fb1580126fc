//! What the profiles of US Core take from the Value Set Authority Center and no package brings: the sets of race, ethnicity and
//! sex, and the code system of the CDC that they draw from, whose concepts HL7's v3 code systems repeat.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::{Block, Blocks, add};

const CDC: &str = "urn:oid:2.16.840.1.113883.6.238";
const GENDER: &str = "http://terminology.hl7.org/CodeSystem/v3-AdministrativeGender";
const NULL: &str = "http://terminology.hl7.org/CodeSystem/v3-NullFlavor";
const ABSENT: &str = "http://terminology.hl7.org/CodeSystem/data-absent-reason";
const SNOMED: &str = "http://snomed.info/sct";
const VSAC: &str = "http://cts.nlm.nih.gov/fhir/ValueSet/";

/// Codes of the code systems of others that the lists below draw from.
type Include = (&'static str, &'static [&'static str]);

/// A value set by its OID.
struct Listed {
    oid: &'static str,
    /// Whether these are known to be all of its codes.
    is_whole: bool,
    includes: &'static [Include],
}

const RACES: Include = (CDC, &["1002-5", "2028-9", "2054-5", "2076-8", "2106-3"]);
const RACES_AND_OTHER: Include = (CDC, &["1002-5", "2028-9", "2054-5", "2076-8", "2106-3", "2131-1"]);
const ETHNICITIES: Include = (CDC, &["2135-2", "2186-5"]);
const NOT_SAID: Include = (NULL, &["ASKU", "UNK"]);
const NOT_SAID_OR_OTHER: Include = (NULL, &["ASKU", "OTH", "UNK"]);
/// `~` is a filter, as it stands in the facts.
const ALL_RACES: Include = (CDC, &["~concept\tis-a\t1000-9"]);
const ALL_ETHNICITIES: Include = (CDC, &["~concept\tis-a\t2133-7"]);

const SETS: [Listed; 15] = [
    Listed { oid: "2.16.840.1.114222.4.11.836", is_whole: true, includes: &[RACES_AND_OTHER] },
    Listed { oid: "2.16.840.1.113883.3.2074.1.1.3", is_whole: true, includes: &[RACES] },
    Listed { oid: "2.16.840.1.113883.1.11.14914", is_whole: true, includes: &[ALL_RACES] },
    Listed { oid: "2.16.840.1.114222.4.11.837", is_whole: true, includes: &[ETHNICITIES] },
    Listed { oid: "2.16.840.1.114222.4.11.877", is_whole: true, includes: &[ALL_ETHNICITIES] },
    Listed { oid: "2.16.840.1.113762.1.4.1021.102", is_whole: true, includes: &[NOT_SAID] },
    Listed { oid: "2.16.840.1.113762.1.4.1021.103", is_whole: true, includes: &[NOT_SAID_OR_OTHER] },
    Listed { oid: "2.16.840.1.113762.1.4.1", is_whole: true, includes: &[(GENDER, &["F", "M"])] },
    Listed {
        oid: "2.16.840.1.113762.1.4.1021.24",
        is_whole: false,
        includes: &[(GENDER, &["F", "M"]), NOT_SAID_OR_OTHER],
    },
    Listed {
        oid: "2.16.840.1.113762.1.4.1240.3",
        is_whole: false,
        includes: &[(SNOMED, &["184115007", "248152002", "248153007"]), (ABSENT, &["asked-declined"])],
    },
    Listed {
        oid: "2.16.840.1.113762.1.4.1267.16",
        is_whole: false,
        includes: &[(SNOMED, &["373066001", "373067005"]), (ABSENT, &["asked-unknown", "unknown"])],
    },
    // US Core 9.0.0 names these by the OIDs of US Core's own value sets.
    Listed { oid: "2.16.840.1.113883.4.642.2.575", is_whole: false, includes: &[RACES_AND_OTHER, NOT_SAID] },
    Listed { oid: "2.16.840.1.113883.4.642.40.2.48.3", is_whole: false, includes: &[ETHNICITIES, NOT_SAID] },
    Listed {
        oid: "2.16.840.1.113883.4.642.40.2.48.1",
        is_whole: false,
        includes: &[ALL_ETHNICITIES, NOT_SAID_OR_OTHER],
    },
    Listed { oid: "2.16.840.1.113762.1.4.1267.25", is_whole: false, includes: &[ALL_RACES, NOT_SAID_OR_OTHER] },
];
/// Adds the code system of the CDC. It has grown since HL7 took its copy.
pub(crate) fn add_system(systems: &mut Blocks) {
    let body = "@content fragment\n\t1000-9\tRace\n\t\t<http://terminology.hl7.org/CodeSystem/v3-Race\n\
                \t2133-7\tEthnicity\n\t\t<http://terminology.hl7.org/CodeSystem/v3-Ethnicity\n";
    add(systems, CDC, block(body.to_owned()));
}

/// Adds the value sets.
pub(crate) fn add_sets(sets: &mut Blocks) {
    for set in &SETS {
        let mut body = if set.is_whole { String::new() } else { "@partial\n".to_owned() };
        for (system, codes) in set.includes {
            let _ = writeln!(body, "\tinclude {system}");
            codes.iter().for_each(|code| _ = writeln!(body, "\t\t{code}"));
        }
        add(sets, &format!("{VSAC}{}", set.oid), block(body));
    }
}

fn block(body: String) -> Block {
    Block { releases: vec![("tho".to_owned(), String::new())], body, codes: BTreeSet::new() }
}
