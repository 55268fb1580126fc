"""PyPI's fhirclient and fhirpy, unmodified, against a FHIR base: clients.py NAME BASE TOKEN.

Each creates, reads, searches and pages Patients of a name of its own, and changes one; it ends with an error at the first surprise.
"""

import sys

name, base, token = sys.argv[1:]
PATIENTS = 7


def with_fhirclient():
    """It has no patches: what is changed is sent whole."""
    from fhirclient import client
    from fhirclient.models.humanname import HumanName
    from fhirclient.models.patient import Patient
    from fhirclient.server import FHIRNotFoundException

    smart = client.FHIRClient(settings={"app_id": "tests", "api_base": base})
    smart.server.session.headers["Authorization"] = f"Bearer {token}"
    assert smart.server.capabilityStatement.fhirVersion == "4.0.1"
    made = []
    for number in range(PATIENTS):
        patient = Patient({"active": True, "name": [{"family": "Pythonclient", "given": [str(number)]}]})
        made.append(patient.create(smart.server)["id"])
    read = Patient.read(made[0], smart.server)
    assert read.name[0].family == "Pythonclient"

    search = Patient.where({"family": "Pythonclient", "_count": "3", "_sort": "given"})
    found = list(search.perform_resources_iter(smart.server))
    assert [patient.name[0].given[0] for patient in found] == [str(number) for number in range(PATIENTS)]

    read.active = False
    read.name.append(HumanName({"text": "another"}))
    assert read.update(smart.server)["active"] is False
    read.delete()
    try:
        Patient.read("never-was", smart.server)
    except FHIRNotFoundException:
        return
    raise AssertionError("expected nothing")


def with_fhirpy():
    from fhirpy import SyncFHIRClient
    from fhirpy.base.exceptions import ResourceNotFound

    client = SyncFHIRClient(base, authorization=f"Bearer {token}")
    made = []
    for number in range(PATIENTS):
        patient = client.resource("Patient", active=True, name=[{"family": "Fhirpy", "given": [str(number)]}])
        patient.save()
        made.append(patient.id)
    read = client.reference("Patient", made[0]).to_resource()
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
    assert client.execute(f"Patient/{made[0]}", method="patch", data=patch)["active"] is False
    read.refresh()
    assert read["active"] is False
    read.delete()
    try:
        client.reference("Patient", "never-was").to_resource()
    except ResourceNotFound:
        return
    raise AssertionError("expected nothing")


{"fhirclient": with_fhirclient, "fhirpy": with_fhirpy}[name]()
print("done")
