"""What schemathesis is told about FHIR (SCHEMATHESIS_HOOKS): which texts a resource may have, that an update names its own id, that every
failure is an OperationOutcome. Each answer is counted in FRONTDESK_GENERATED/answers.jsonl, and bodies are kept there to be validated.
"""

import hashlib
import json
import os
import pathlib

import schemathesis
from hypothesis import strategies

FOLDER = pathlib.Path(os.environ["FRONTDESK_GENERATED"])
KEPT = 400
# datatypes.html#string: no control characters but blanks; ours not at the ends.
letters = strategies.characters(exclude_categories=("C", "Z"))
text = strategies.lists(strategies.text(letters, min_size=1, max_size=9), min_size=1, max_size=3).map(" ".join)
schemathesis.openapi.format("fhir-text", text)
# A word to search for: what separates values is escaped (search.html#escaping).
special = str.maketrans({letter: f"\\{letter}" for letter in "\\,$|"})
schemathesis.openapi.format("fhir-word", strategies.text(letters, min_size=1, max_size=9).map(lambda word: word.translate(special)))


@schemathesis.hook
def map_case(context, case):
    if case.method.upper() == "PUT" and isinstance(case.body, dict) and "id" in (case.path_parameters or {}):
        case.body = {**case.body, "id": case.path_parameters["id"]}
    return case


@schemathesis.hook
def after_call(context, case, response):
    media = (response.headers.get("content-type") or [""])[0]
    with open(FOLDER / "answers.jsonl", "a", encoding="utf-8") as file:
        asked = f"{case.method.upper()} {case.operation.path}"
        file.write(json.dumps({"operation": asked, "status": response.status_code, "media": media}) + "\n")
    kept = FOLDER / "bodies"
    if response.content and "json" in media and len(os.listdir(kept)) < KEPT:
        name = hashlib.sha256(response.content).hexdigest()[:24]
        (kept / f"{name}.json").write_bytes(response.content)


@schemathesis.check
def every_failure_is_an_operation_outcome(context, response, case):
    if response.status_code < 400 or case.method.upper() == "HEAD":
        return
    outcome = response.json()
    assert outcome.get("resourceType") == "OperationOutcome", outcome
    for issue in outcome["issue"]:
        assert issue["severity"] in ("fatal", "error", "warning", "information"), issue
        assert issue.get("details", {}).get("text") or issue.get("diagnostics"), f"expected words: {issue}"
