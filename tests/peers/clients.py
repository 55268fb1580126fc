"""PyPI's fhirclient and fhirpy, unmodified, against a FHIR base: clients.py NAME BASE TOKEN.

Each creates (by a condition too), reads, searches, pages, changes and patches Patients of a name of its own, looks back, runs batches
and transactions, and is refused; it ends with an error at the first surprise.
"""

import json
import sys

name, base, token = sys.argv[1:]
PATIENTS = 7


SYSTEM = "urn:example:clients"


def entry(method, url, resource=None, full_url=None, **request):
    of = {"request": {"method": method, "url": url, **request}}
    return of | ({"resource": resource} if resource else {}) | ({"fullUrl": full_url} if full_url else {})


def bundle(kind, *entries):
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def identified(family, value):
    return {"resourceType": "Patient", "name": [{"family": family}], "identifier": [{"system": SYSTEM, "value": value}]}


def booking(family, value):
    """An Appointment that refers to a Patient before it is there, and who is made only once."""
    urn = "urn:uuid:0a6c9d1e-7d5c-4ff5-9a4b-7d2ad5f5a1aa"
    participant = [{"actor": {"reference": urn}, "status": "accepted"}]
    appointment = {"resourceType": "Appointment", "status": "proposed", "participant": participant}
    condition = f"identifier={SYSTEM}|{value}"
    patient = entry("POST", "Patient", identified(family, value), urn, ifNoneExist=condition)
    return bundle("transaction", entry("POST", "Appointment", appointment), patient)


def half_wrong(family, value, at):
    """Right in its first entry, and with a version that is not current in its second: nothing of it may happen."""
    changed = identified(family, "other") | {"id": at}
    return bundle(
        "transaction",
        entry("POST", "Patient", identified(family, value)),
        entry("PUT", f"Patient/{at}", changed, ifMatch='W/"999"'),
    )


def made(answer):
    """Type and id of what each entry of a transaction made or found."""
    return ["/".join(one["response"]["location"].split("/")[-4:-2]) for one in answer["entry"]]


def issues(outcome):
    assert outcome["resourceType"] == "OperationOutcome", outcome
    return [issue["code"] for issue in outcome["issue"]]


def with_fhirclient():
    """It has no call for patches, conditions and transactions: these go by its own signed session."""
    import requests
    from fhirclient import client
    from fhirclient.models.humanname import HumanName
    from fhirclient.models.patient import Patient
    from fhirclient.server import FHIRNotFoundException

    smart = client.FHIRClient(settings={"app_id": "tests", "api_base": base})
    smart.server.session.headers["Authorization"] = f"Bearer {token}"
    assert smart.server.capabilityStatement.fhirVersion == "4.0.1"
    made_ids = []
    for number in range(PATIENTS):
        patient = Patient({"active": True, "name": [{"family": "Pythonclient", "given": [str(number)]}]})
        made_ids.append(patient.create(smart.server)["id"])
    read = Patient.read(made_ids[0], smart.server)
    assert read.name[0].family == "Pythonclient"

    search = Patient.where({"family": "Pythonclient", "_count": "3", "_sort": "given"})
    found = list(search.perform_resources_iter(smart.server))
    assert [patient.name[0].given[0] for patient in found] == [str(number) for number in range(PATIENTS)]

    read.active = False
    read.name.append(HumanName({"text": "another"}))
    assert read.update(smart.server)["active"] is False

    session, at = smart.server.session, f"{base}/Patient/{read.id}"
    headers = {"Content-Type": "application/json-patch+json"}
    patch = session.patch(at, json=[{"op": "remove", "path": "/name/1"}], headers=headers)
    assert patch.ok and len(patch.json()["name"]) == 1, patch.text
    versions = smart.server.request_json(f"Patient/{read.id}/_history")["entry"]
    assert [version["request"]["method"] for version in versions] == ["PUT", "PUT", "POST"]
    first = Patient.read_from(f"Patient/{read.id}/_history/{versions[-1]['resource']['meta']['versionId']}", smart.server)
    assert first.active is True

    headers = {"Content-Type": "application/fhir+json", "If-None-Exist": f"identifier={SYSTEM}|py"}
    once, again = [session.post(f"{base}/Patient", json=identified("Condition", "py"), headers=headers) for _ in range(2)]
    assert (once.status_code, again.status_code) == (201, 200) and once.json()["id"] == again.json()["id"]
    appointment, patient = made(smart.server.post_json("", booking("Condition", "py")).json())
    assert patient == f"Patient/{once.json()['id']}"
    assert smart.server.request_json(appointment)["participant"][0]["actor"]["reference"] == patient
    for wrong, status, code in [
        (lambda: smart.server.post_json("", half_wrong("Half", "py-half", read.id)), 412, "conflict"),
        (lambda: smart.server.post_json("Patient", {"resourceType": "Patient", "gender": "xx"}), 422, "code-invalid"),
    ]:
        try:
            wrong()
        except requests.HTTPError as error:
            assert error.response.status_code == status and code in issues(error.response.json()), error.response.text
        else:
            raise AssertionError(f"expected {status}")
    assert smart.server.request_json("Patient?identifier=py-half")["total"] == 0
    read.delete()
    try:
        Patient.read("never-was", smart.server)
    except FHIRNotFoundException:
        return
    raise AssertionError("expected nothing")


def with_fhirpy():
    from fhirpy import SyncFHIRClient
    from fhirpy.base.exceptions import MultipleResourcesFound, OperationOutcome, ResourceNotFound

    client = SyncFHIRClient(base, authorization=f"Bearer {token}")
    of = lambda resource: client.resource(resource["resourceType"], **{k: v for k, v in resource.items() if k != "resourceType"})
    made_ids = []
    for number in range(PATIENTS):
        patient = client.resource("Patient", active=True, name=[{"family": "Fhirpy", "given": [str(number)]}])
        patient.save()
        made_ids.append(patient.id)
    read = client.reference("Patient", made_ids[0]).to_resource()
    assert read["name"][0]["family"] == "Fhirpy"

    found = client.resources("Patient").search(family="Fhirpy").sort("given").limit(3).fetch_all()
    assert [patient["name"][0]["given"][0] for patient in found] == [str(number) for number in range(PATIENTS)]

    # Its own `patch` sends a part of the resource, which no format of FHIR's is: this is FHIRPath Patch.
    operation = [
        {"name": "type", "valueCode": "replace"},
        {"name": "path", "valueString": "Patient.active"},
        {"name": "value", "valueBoolean": False},
    ]
    patch = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": operation}]}
    assert client.execute(f"Patient/{made_ids[0]}", method="patch", data=patch)["active"] is False
    read.refresh()
    assert read["active"] is False
    versions = client.execute(f"Patient/{made_ids[0]}/_history", method="get")["entry"]
    assert [version["request"]["method"] for version in versions] == ["PUT", "POST"]
    first = client.execute(f"Patient/{made_ids[0]}/_history/{versions[-1]['resource']['meta']['versionId']}", method="get")
    assert first["active"] is True

    sought = client.resources("Patient").search(identifier=f"{SYSTEM}|fhirpy")
    known, is_new = sought.get_or_create(of(identified("Condition", "fhirpy")))
    again, is_new_again = sought.get_or_create(of(identified("Condition", "fhirpy")))
    assert (is_new, is_new_again) == (True, False) and known.id == again.id
    changed, is_new = sought.update(of(identified("Changed", "fhirpy")))
    assert (changed.id, changed["name"][0]["family"], is_new) == (known.id, "Changed", False)

    appointment, patient = made(of(booking("Condition", "fhirpy")).save(fields=None).serialize())
    assert patient == f"Patient/{known.id}"
    booked = client.reference(reference=appointment).to_resource()
    assert booked["participant"][0]["actor"].to_resource()["id"] == known.id
    batch = bundle("batch", entry("GET", patient), entry("GET", "Patient/never-was"))
    assert [one["response"]["status"][:3] for one in client.execute("", method="post", data=batch)["entry"]] == ["200", "404"]
    try:
        client.execute("", method="post", data=half_wrong("Half", "fhirpy-half", made_ids[0]))
    except MultipleResourcesFound as error:  # What it calls every 412.
        assert "conflict" in issues(json.loads(str(error)))
    else:
        raise AssertionError("expected 412")
    assert client.resources("Patient").search(identifier="fhirpy-half").fetch() == []
    for wrong, code in [
        (lambda: client.resource("Patient", gender="xx").save(), "code-invalid"),
        # A part of a resource is no patch of FHIR's: refused, not guessed at.
        (lambda: client.patch("Patient", made_ids[0], active=True), "structure"),
    ]:
        try:
            wrong()
        except OperationOutcome as error:
            assert code in issues(error.resource), error.resource
        else:
            raise AssertionError(f"expected {code}")
    read.delete()
    try:
        client.reference("Patient", "never-was").to_resource()
    except ResourceNotFound:
        return
    raise AssertionError("expected nothing")


{"fhirclient": with_fhirclient, "fhirpy": with_fhirpy}[name]()
print("done")
