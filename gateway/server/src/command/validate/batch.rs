//! `--batch`: paths in, an OperationOutcome a line out, in their order.

use std::io::{self, BufRead, Write};
use std::path::Path;

use fhir::Version;

use super::judge::Judge;
use super::{one, write_line};

/// Whether all are without errors. A file that cannot be read has its line too.
pub(super) fn run(judge: &Judge, version: Version, input: impl BufRead, output: &mut impl Write) -> io::Result<bool> {
    let mut sound = true;
    for path in input.split(b'\n') {
        let path = path?;
        let path = String::from_utf8_lossy(path.strip_suffix(b"\r").unwrap_or(&path));
        if path.is_empty() {
            continue;
        }
        let outcome = one(judge, version, Path::new(&*path));
        sound &= !outcome.has_errors();
        write_line(output, &outcome.to_json())?;
    }
    Ok(sound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_has_its_line_in_order_also_one_that_cannot_be_read_or_parsed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(at("good.json"), r#"{"resourceType":"Patient","active":true}"#).unwrap();
        std::fs::write(at("broken.json"), "{").unwrap();
        let paths = format!("{}\n{}\r\n\n{}", at("broken.json"), at("absent.json"), at("good.json"));
        let mut output = Vec::new();
        let sound = run(&Judge::default(), Version::R4, paths.as_bytes(), &mut output).unwrap();
        assert!(!sound);
        let severities: Vec<String> = String::from_utf8(output)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
            .map(|outcome| outcome["issue"][0]["severity"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(severities, ["error", "fatal", "information"]);
    }
}
