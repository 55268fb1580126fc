"""Turns the CapabilityStatement of a running base into OpenAPI 3.0, with values of what the base holds: openapi.py BASE TOKEN FILE.

Of each type that the base holds something of, every interaction that /metadata offers becomes an operation; search parameters,
ids, versions, criteria and bodies are those of a sample, with free text and numbers of any kind between them.
"""

import itertools
import json
import sys
import urllib.request

SAMPLE = 12
TYPES = ["Patient", "Practitioner", "PractitionerRole", "Organization", "Location", "Schedule", "Slot", "Appointment"]
TEXT = {"type": "string", "format": "fhir-text"}
# Members whose text may be any.
FREE = {"family", "given", "text", "comment", "description", "city", "line", "display", "alias"}
FAILURES = ["400", "404", "409", "410", "412", "422"]


class Base:
    def __init__(self, base, token):
        self.base, self.token = base, token

    def get(self, path):
        request = urllib.request.Request(self.base + path, headers={"authorization": f"Bearer {self.token}"})
        return json.load(urllib.request.urlopen(request))

    def sample(self, of):
        bundle = self.get(f"/{of}?_count={SAMPLE}")
        return [entry["resource"] for entry in bundle.get("entry", []) if entry["search"]["mode"] == "match"]


def one_of(values):
    seen = {json.dumps(value, sort_keys=True): value for value in values}
    return {"enum": list(seen.values())}


def any_of(*schemas):
    return {"anyOf": list(schemas)}


def walk(value, name=""):
    """Every value of a resource with the name of its member."""
    yield name, value
    children = value.items() if isinstance(value, dict) else ((name, one) for one in value) if isinstance(value, list) else ()
    for child, of in children:
        yield from walk(of, child)


def primitives(resources, wanted):
    """Texts that members of a name have, codings as system|code."""
    for name, value in itertools.chain.from_iterable(walk(resource) for resource in resources):
        if wanted(name) and isinstance(value, (str, bool)):
            yield str(value).lower() if isinstance(value, bool) else value
        if wanted(name) and isinstance(value, dict):
            for _, inner in walk(value):
                if isinstance(inner, dict) and ("code" in inner or "value" in inner):
                    code = inner.get("code", inner.get("value"))
                    if isinstance(code, str):
                        yield f"{inner['system']}|{code}" if "system" in inner else code


def escaped(text):
    """search.html#escaping"""
    return "".join("\\" + letter if letter in "\\,$|" else letter for letter in text)


def values_of(parameter, resources, ids):
    """A schema of values for a search parameter."""
    name, kind = parameter["name"], parameter["type"]
    member = name.replace("-", "").lower()
    found = list(primitives(resources, lambda of: of.lower() == member))[:SAMPLE]
    if name == "_id":
        return one_of(ids[resources[0]["resourceType"]] + ["never-was"])
    if kind == "token":
        return one_of((found or ["unknown"]) + ["urn:none|x"])
    if kind == "string":
        words = list(primitives(resources, lambda of: of in FREE or of.lower() == member))[:SAMPLE]
        return any_of(one_of([escaped(word) for word in words] or ["a"]), {"type": "string", "format": "fhir-word"})
    if kind == "date":
        days = [value[:10] for _, value in itertools.chain.from_iterable(map(walk, resources)) if is_date(value)][:SAMPLE]
        return one_of([prefix + day for day, prefix in zip(days or ["2030-01-01"], itertools.cycle(["", "ge", "lt", "sa", "ne"]))])
    if kind == "reference":
        targets = [reference for reference in primitives(resources, lambda of: of == "reference") if "/" in reference]
        return one_of(targets[:SAMPLE] or ["Patient/never-was"])
    if kind in ("number", "quantity"):
        return {"type": "string", "pattern": r"^(ge|lt|ne)?-?[1-9][0-9]{0,5}(\.[0-9]{1,3})?$"}
    if kind == "uri":
        return one_of(["http://example.org/fhir", "urn:example:1"])
    return None


def is_date(value):
    return isinstance(value, str) and len(value) >= 10 and value[4:5] == "-" and value[7:8] == "-" and value[:4].isdigit()


def query(name, schema):
    return {"name": name, "in": "query", "required": False, "schema": schema}


def search_parameters(offered, resources, ids, samples):
    of = offered["type"]
    result = []
    for parameter in offered.get("searchParam", []):
        schema = values_of(parameter, resources, ids)
        if schema:
            result.append(query(parameter["name"], schema))
            if parameter["type"] == "string" and parameter["name"] in ("name", "family"):
                result += [query(f"{parameter['name']}:{modifier}", schema) for modifier in ("exact", "contains")]
            if parameter["type"] == "token" and parameter["name"] in ("status", "gender"):
                result.append(query(f"{parameter['name']}:not", schema))
            if parameter["type"] in ("token", "reference", "date") and not parameter["name"].startswith("_"):
                result.append(query(f"{parameter['name']}:missing", {"type": "boolean"}))
    codes = [parameter["name"] for parameter in offered.get("searchParam", []) if parameter["type"] in ("date", "string", "token")]
    result += [
        query("_count", {"type": "integer", "minimum": 0, "maximum": 60}),
        query("_total", one_of(["none", "estimate", "accurate"])),
        query("_sort", one_of([sign + code for code in codes[:8] for sign in ("", "-")] + ["_lastUpdated", "-_id"])),
        query("_summary", one_of(["true", "false", "text", "data", "count"])),
        query("_elements", one_of(["id", "id,status", "identifier,name"])),
        query("_format", one_of(["json", "application/fhir+json"])),
        query("_pretty", {"type": "boolean"}),
    ]
    for name, member in (("_include", "searchInclude"), ("_revinclude", "searchRevInclude")):
        known = [value for value in offered.get(member, []) if value.split(":")[0] in samples]
        if known:
            result.append(query(name, one_of(known)))
    if of in ("Appointment", "Schedule"):
        result.append(query("actor:Practitioner.family", one_of([one["name"][0]["family"] for one in samples["Practitioner"]])))
    if of == "Patient":
        result.append(query("_has:Appointment:patient:status", one_of(["booked", "cancelled"])))
    return result


OUTCOME = {"$ref": "#/components/schemas/OperationOutcome"}


def answers(ok, extra=()):
    """What an operation may answer: the schemas of its successes by status, failures with an OperationOutcome."""
    media = lambda schema: {"application/fhir+json": {"schema": schema}}
    known = {status: {"description": "as asked", **({"content": media(schema)} if schema else {})} for status, schema in ok.items()}
    failed = {status: {"description": "refused", "content": media(OUTCOME)} for status in [*FAILURES, *extra]}
    return known | {status: answer for status, answer in failed.items() if status not in known}


def resource_schema(of):
    properties = {"resourceType": {"type": "string", "enum": [of]}, "id": {"type": "string"}, "meta": {"type": "object"}}
    return {"type": "object", "required": ["resourceType", "id", "meta"], "properties": properties}


def bundle_schema(kind):
    entry = {"type": "array", "minItems": 1, "items": {"type": "object"}}
    properties = {"resourceType": {"type": "string", "enum": ["Bundle"]}, "type": {"type": "string", "enum": [kind]}, "entry": entry}
    return {"type": "object", "required": ["resourceType", "type"], "properties": properties}


def body(schema, media="application/fhir+json"):
    return {"required": True, "content": {media: {"schema": schema}}}


def free(value, name=""):
    """A sample as a schema: as it is, with other text where any text is right."""
    if isinstance(value, dict):
        return {
            "type": "object", "additionalProperties": False, "required": list(value),
            # The words for a code are the code system's.
            "properties": {child: free(of, "" if "code" in value else child) for child, of in value.items()},
        }
    if isinstance(value, list):
        return {"type": "array", "minItems": 1, "maxItems": len(value), "items": any_of(*[free(one, name) for one in value])}
    return any_of({"enum": [value]}, TEXT) if isinstance(value, str) and name in FREE else {"enum": [value]}


def payloads(resources):
    """What may be written: each sample without what only the base gives it."""
    bare = [{name: value for name, value in resource.items() if name not in ("id", "meta", "text")} for resource in resources[:5]]
    return any_of(*[free(one) for one in bare])


def header(name, schema):
    return {"name": name, "in": "header", "required": False, "schema": schema}


PREFER = header("Prefer", one_of(["return=minimal", "return=representation", "return=OperationOutcome"]))
HANDLING = header("Prefer", one_of(["handling=strict", "handling=lenient"]))


def path_parameter(name, values):
    return {"name": name, "in": "path", "required": True, "schema": one_of(values)}


def paths_of(offered, samples, ids):
    of, resources = offered["type"], samples[offered["type"]]
    codes = {interaction["code"] for interaction in offered["interaction"]}
    versions = [resource["meta"]["versionId"] for resource in resources]
    one, searchset, history = resource_schema(of), bundle_schema("searchset"), bundle_schema("history")
    found = search_parameters(offered, resources, ids, samples)
    form = {"type": "object", "additionalProperties": False, "properties": {p["name"]: p["schema"] for p in found if p["name"] != "_format"}}
    etags = header("If-None-Match", one_of([f'W/"{version}"' for version in versions] + ['W/"0"']))
    since = header("If-Modified-Since", one_of(["Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 2094 08:49:37 GMT"]))
    page = [query("_count", {"type": "integer", "minimum": 0, "maximum": 9}), query("_since", one_of(["2020-01-01T00:00:00Z"]))]
    known, new = path_parameter("id", ids[of]), path_parameter("id", [f"generated-{number}" for number in range(40)])
    criteria = query("identifier", one_of([f"urn:example:generated|{number}" for number in range(30)])) | {"required": True}
    written, gone = {"200": None, "201": None}, {"200": None, "204": None}
    patches = one_of([
        [{"op": "add", "path": "/language", "value": "en"}], [{"op": "test", "path": "/resourceType", "value": of}],
    ])
    paths = {}

    def add(path, method, code, operation):
        if code in codes:
            paths.setdefault(path, {})[method] = operation

    read = {"parameters": [known, etags, since, query("_summary", one_of(["true", "text", "data"])), query("_pretty", {"type": "boolean"})]}
    add(f"/{of}", "get", "search-type", {"parameters": [*found, HANDLING], "responses": answers({"200": searchset})})
    add(f"/{of}/_search", "post", "search-type", {
        "parameters": [HANDLING], "responses": answers({"200": searchset}), "requestBody": body(form, "application/x-www-form-urlencoded"),
    })
    add(f"/{of}/{{id}}", "get", "read", read | {"responses": answers({"200": one, "304": None})})
    add(f"/{of}/{{id}}", "head", "read", read | {"responses": {status: {"description": "as GET"} for status in ["200", "304", *FAILURES]}})
    add(f"/{of}/{{id}}/_history", "get", "history-instance", {"parameters": [known, *page], "responses": answers({"200": history})})
    add(f"/{of}/{{id}}/_history/{{vid}}", "get", "vread", {
        "parameters": [known, path_parameter("vid", versions), etags], "responses": answers({"200": one, "304": None}),
    })
    add(f"/{of}/_history", "get", "history-type", {"parameters": page, "responses": answers({"200": history})})
    none_exist = header("If-None-Exist", one_of([f"identifier=urn:example:generated|{number}" for number in range(30)]))
    add(f"/{of}", "post", "create", {"parameters": [PREFER, none_exist], "requestBody": body(payloads(resources)), "responses": answers(written)})
    match = header("If-Match", one_of(['W/"1"', 'W/"2"']))
    add(f"/{of}/{{id}}", "put", "update", {"parameters": [new, PREFER, match], "requestBody": body(payloads(resources)), "responses": answers(written)})
    add(f"/{of}/{{id}}", "patch", "patch", {
        "parameters": [known, PREFER], "requestBody": body(patches, "application/json-patch+json"), "responses": answers(written),
    })
    add(f"/{of}/{{id}}", "delete", "delete", {"parameters": [new], "responses": answers(gone)})
    if offered.get("conditionalUpdate"):
        add(f"/{of}", "put", "update", {"parameters": [criteria, PREFER], "requestBody": body(payloads(resources)), "responses": answers(written)})
    if offered.get("conditionalDelete", "not-supported") != "not-supported":
        add(f"/{of}", "delete", "delete", {"parameters": [criteria], "responses": answers(gone)})
    if of in ("Appointment", "Patient"):
        path = f"/Patient/{{id}}/{of}"
        add(path, "get", "search-type", {"parameters": [path_parameter("id", ids["Patient"]), *page[:1]], "responses": answers({"200": searchset})})
    return paths


def bundles(samples, ids):
    """Batches and transactions of entries that are right, each alone."""
    entries = []
    for of, resources in samples.items():
        bare = {name: value for name, value in resources[0].items() if name not in ("id", "meta", "text")}
        ifs = {"ifNoneExist": "identifier=urn:example:generated|1"}
        entries += [
            {"request": {"method": "GET", "url": f"{of}/{ids[of][0]}"}},
            {"request": {"method": "GET", "url": f"{of}?_count=2&_sort=_lastUpdated"}},
            {"resource": bare, "request": {"method": "POST", "url": of}},
            {"resource": bare, "request": {"method": "POST", "url": of, **ifs}},
            {"resource": bare | {"id": "generated-bundle"}, "request": {"method": "PUT", "url": f"{of}/generated-bundle"}},
            {"request": {"method": "DELETE", "url": f"{of}/generated-none"}},
        ]
    schema = lambda kind, most: {
        "type": "object", "additionalProperties": False, "required": ["resourceType", "type", "entry"],
        "properties": {
            "resourceType": {"enum": ["Bundle"]}, "type": {"enum": [kind]},
            "entry": {"type": "array", "minItems": 1, "maxItems": most, "uniqueItems": True, "items": one_of(entries)},
        },
    }
    return any_of(schema("batch", 8), schema("transaction", 3))


def whole(statement, samples, ids):
    rest = statement["rest"][0]
    paths = {"/metadata": {"get": {"parameters": [query("_format", one_of(["json"]))], "responses": answers({"200": {"type": "object"}})}}}
    for offered in rest["resource"]:
        if offered["type"] in samples:
            for path, operations in paths_of(offered, samples, ids).items():
                paths.setdefault(path, {}).update(operations)
            operations = {operation["name"].lstrip("$") for operation in offered.get("operation", [])}
            for name in operations & {"everything"}:
                known = path_parameter("id", ids[offered["type"]])
                paths[f"/{offered['type']}/{{id}}/${name}"] = {"get": {"parameters": [known], "responses": answers({"200": bundle_schema("searchset")})}}
            if "validate" in operations:
                paths[f"/{offered['type']}/$validate"] = {
                    "post": {"requestBody": body(payloads(samples[offered["type"]])), "responses": answers({"200": OUTCOME})}
                }
    system = {interaction["code"] for interaction in rest.get("interaction", [])}
    if {"batch", "transaction"} <= system:
        answered = any_of(bundle_schema("batch-response"), bundle_schema("transaction-response"))
        paths.setdefault("/", {})["post"] = {"requestBody": body(bundles(samples, ids)), "responses": answers({"200": answered})}
    if "search-system" in system:
        kinds = query("_type", one_of(["Patient", "Patient,Appointment", "Slot,Schedule,Location"])) | {"required": True}
        count = query("_count", {"type": "integer", "minimum": 0, "maximum": 9})
        paths.setdefault("/", {})["get"] = {"parameters": [kinds, count], "responses": answers({"200": bundle_schema("searchset")})}
    if "history-system" in system:
        count = query("_count", {"type": "integer", "minimum": 0, "maximum": 9})
        paths["/_history"] = {"get": {"parameters": [count], "responses": answers({"200": bundle_schema("history")})}}
    return paths


def main():
    base = Base(*sys.argv[1:3])
    statement = base.get("/metadata")
    served = {offered["type"] for offered in statement["rest"][0]["resource"]}
    samples = {of: base.sample(of) for of in TYPES if of in served}
    samples = {of: resources for of, resources in samples.items() if resources}
    ids = {of: [resource["id"] for resource in resources] for of, resources in samples.items()}
    issue = {"type": "object", "required": ["severity", "code"], "properties": {"severity": {"type": "string"}, "code": {"type": "string"}}}
    outcome = {
        "type": "object", "required": ["resourceType", "issue"],
        "properties": {
            "resourceType": {"type": "string", "enum": ["OperationOutcome"]},
            "issue": {"type": "array", "minItems": 1, "items": issue},
        },
    }
    document = {
        "openapi": "3.0.3", "info": {"title": "a FHIR base", "version": statement["fhirVersion"]},
        "paths": whole(statement, samples, ids), "components": {"schemas": {"OperationOutcome": outcome}},
    }
    with open(sys.argv[3], "w", encoding="utf-8") as file:
        json.dump(document, file)
    print(f"{sum(len(operations) for operations in document['paths'].values())} operations on {len(samples)} types")


main()
