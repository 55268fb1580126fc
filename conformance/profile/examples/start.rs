//! What a start costs: validators of R4, R4B and R5 with all that is built in, every structure with its snapshot, every profile of a
//! resource compiled. Prints time, the process's own CPU time and the most memory it had; fails beyond 500 ms of CPU or 150 MB.

use std::time::Instant;
use std::{fs, io};

use fhir::{ResourceType, Version};
use profile::{Request, Validator};

/// Kernel ticks are hundredths of a second.
const MOST_CPU: u64 = 500;
const MOST_MEMORY: u64 = 150 << 10;

fn main() -> io::Result<()> {
    let start = Instant::now();
    let validators = Version::ALL.map(Validator::new);
    report("validators", start)?;
    let mut profiles = Vec::new();
    let (mut structures, mut elements) = (0, 0);
    for validator in &validators {
        for artefact in validator.registry().artefacts(ResourceType::STRUCTURE_DEFINITION) {
            let version = artefact.effective_version().unwrap_or_default();
            let canonical = format!("{}|{version}", artefact.url());
            let Some(structure) = validator.registry().structure(&canonical) else { continue };
            structures += 1;
            elements += structure.elements.len();
            if structure.derivation == package::Derivation::Constraint && !structure.is_extension() {
                profiles.push((validator, structure.type_.clone(), canonical));
            }
        }
    }
    report(&format!("{structures} structures with {elements} elements"), start)?;
    for (validator, type_, canonical) in &profiles {
        let resource = format!(r#"{{"resourceType":"{type_}"}}"#);
        let request = Request { profiles: &[canonical], ..Request::default() };
        std::hint::black_box(validator.validate(resource.as_bytes(), &request));
    }
    let (cpu, memory) = report(&format!("{} profiles compiled", profiles.len()), start)?;
    if cpu > MOST_CPU || memory > MOST_MEMORY {
        return Err(io::Error::other(format!("expected at most {MOST_CPU} ms and {MOST_MEMORY} KiB")));
    }
    Ok(())
}

/// Prints, and gives CPU time in milliseconds and the most memory in KiB.
fn report(what: &str, start: Instant) -> io::Result<(u64, u64)> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    // proc_pid_stat(5): fields 14 and 15, the name in brackets may hold spaces.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<u64>().ok()).unwrap_or_default();
    let cpu = (ticks(11) + ticks(12)) * 10;
    let status = fs::read_to_string("/proc/self/status")?;
    let memory = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
    let memory: u64 = memory.unwrap_or_default();
    println!("{what}: {:?}, CPU {cpu} ms, {} MiB", start.elapsed(), memory >> 10);
    Ok((cpu, memory))
}
