//! `--jobs`: a JSON object a line in, one a line out. Each job brings the resources that it may refer to.

use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};

use fhir::{Issue, IssueType, Outcome, Version};
use serde::Deserialize;
use serde_json::{Value, json};

use super::judge::{Judge, unreadable};
use super::write_line;

/// One line of input.
#[derive(Deserialize)]
struct Job {
    id: Value,
    file: PathBuf,
    version: Version,
    /// Files with profiles, value sets and whatever else the resource refers to.
    #[serde(default)]
    supporting: Vec<PathBuf>,
    /// File of the profile that the resource must follow.
    #[serde(default)]
    profile_file: Option<PathBuf>,
}

/// Whether all are without errors. A line that is no job is answered too.
pub(super) fn run(judge: &Judge, input: impl BufRead, output: &mut impl Write) -> io::Result<bool> {
    let mut sound = true;
    for line in input.split(b'\n') {
        let line = line?;
        if line.trim_ascii().is_empty() {
            continue;
        }
        let (id, outcome) = match serde_json::from_slice::<Job>(&line) {
            Ok(job) => (job.id.clone(), answer(judge, &job)),
            Err(error) => (id_of(&line), no_job(&error)),
        };
        sound &= !outcome.has_errors();
        write_line(output, &serde_json::to_vec(&json!({ "id": id, "outcome": outcome }))?)?;
    }
    Ok(sound)
}

fn answer(judge: &Judge, job: &Job) -> Outcome {
    match read(job) {
        Ok((bytes, supporting, profile)) => judge.validate_with(job.version, &bytes, supporting, profile),
        Err(outcome) => outcome,
    }
}

/// The resource, what it may refer to, and the canonical of the profile.
type Files = (Vec<u8>, Vec<Vec<u8>>, Option<String>);

fn read(job: &Job) -> Result<Files, Outcome> {
    let file = |path: &Path| std::fs::read(path).map_err(|error| unreadable(path, &error));
    let bytes = file(&job.file)?;
    let supporting = job.supporting.iter().map(|path| as_json(file(path)?, job.version));
    let mut supporting: Vec<_> = supporting.collect::<Result<_, _>>()?;
    let Some(path) = &job.profile_file else { return Ok((bytes, supporting, None)) };
    let profile = as_json(file(path)?, job.version)?;
    let url = serde_json::from_slice::<Value>(&profile)
        .ok()
        .and_then(|profile| Some(profile.get("url")?.as_str()?.to_owned()));
    let Some(url) = url else {
        let text = format!("expected a StructureDefinition with a `url` in {}", path.display());
        return Err(Outcome::from(Issue::error(IssueType::Invalid, text)));
    };
    supporting.push(profile);
    Ok((bytes, supporting, Some(url)))
}

/// A definition in XML in JSON, in the job's release or in another, whose definitions may serve as well. It is not what is
/// judged: an element out of order does not cost the rest of it.
fn as_json(bytes: Vec<u8>, version: Version) -> Result<Vec<u8>, Outcome> {
    if !xml::is_xml(&bytes) {
        return Ok(bytes);
    }
    let read = |release| xml::read(&bytes, release, xml::Limits::default());
    let own = read(version);
    let mut others = Version::ALL.into_iter().filter(|other| !own.issues.is_empty() && *other != version).map(read);
    let reading = others.find(|reading| reading.issues.is_empty()).unwrap_or(own);
    if reading.json.is_empty() { Err(Outcome(reading.issues)) } else { Ok(reading.json) }
}

fn id_of(line: &[u8]) -> Value {
    serde_json::from_slice::<Value>(line).ok().and_then(|line| line.get("id").cloned()).unwrap_or_default()
}

fn no_job(error: &serde_json::Error) -> Outcome {
    let text = format!("expected a job with `id`, `file` and `version`: {error}");
    Outcome::from(Issue::error(IssueType::Invalid, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_job_is_answered_under_its_id_also_one_that_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("patient.json");
        std::fs::write(&file, r#"{"resourceType":"Patient","active":true}"#).unwrap();
        let input = format!(
            "{}\n{}\n{}\n",
            json!({ "id": "a", "file": file, "version": "4.0.1", "supporting": [], "profile_file": null }),
            json!({ "id": "b", "file": file, "version": "3.0.1" }),
            json!({ "id": 7, "file": "/nowhere.json", "version": "5.0.0" }),
        );
        let mut output = Vec::new();
        let sound = run(&Judge::default(), input.as_bytes(), &mut output).unwrap();
        assert!(!sound);
        let answers: Vec<Value> =
            String::from_utf8(output).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let of =
            |index: usize| (&answers[index]["id"], answers[index]["outcome"]["issue"][0]["severity"].as_str().unwrap());
        assert_eq!(of(0), (&json!("a"), "information"));
        assert_eq!(of(1), (&json!("b"), "error"));
        assert_eq!(of(2), (&json!(7), "fatal"));
    }
}
