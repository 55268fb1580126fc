"""A practice's billing system as an adapter process (see ../PROTOCOL.md): everything in memory, nothing but the standard library.

    BILLING_SECRET=s3cret python3 billing.py 127.0.0.1:9100
"""
import datetime, itertools, json, os, re, sys, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

identifiers = lambda r: [(i.get("system", ""), i.get("value")) for i in r.get("identifier", [])]
token = lambda values, v: (tuple(v.split("|", 1)) in values) if "|" in v else any(v == code for _, code in values)
reference = lambda element: lambda r, v: v in (r.get(element, {}).get("reference"), r.get(element, {}).get("reference", "").split("/")[-1])
SHARED = {"_id": ("token", lambda r, v: r["id"] in v.split(",")), "identifier": ("token", lambda r, v: token(identifiers(r), v))}
TYPES = {  # type: (the element that names the patient, search parameters)
    "Patient": (None, {"family": ("string", lambda r, v: any(n.get("family", "").lower().startswith(v.lower()) for n in r.get("name", []))),
                       "birthdate": ("date", lambda r, v: r.get("birthDate") == v)}),
    "Claim": ("patient", {"patient": ("reference", reference("patient")), "status": ("token", lambda r, v: r.get("status") in v.split(","))}),
    "Coverage": ("beneficiary", {"beneficiary": ("reference", reference("beneficiary"))}),
}
lock, numbers, records = threading.Lock(), itertools.count(1), {}  # (type, id): [number, version, resource or None]

class Refused(Exception): pass

def within(owner, r):  # whether a resource is in the compartment that the client is confined to
    element, mine = TYPES[r["resourceType"]][0], owner and f"{owner['type']}/{owner['id']}"
    return not owner or (r["id"] == owner["id"] if element is None else r.get(element, {}).get("reference") == mine)

def found(call, kind, query):
    known, plain = {**SHARED, **TYPES[kind][1]}, ("_count", "_total", "_summary")
    unknown = [name for name, _ in query if name not in known and name not in plain]
    if unknown: raise Refused("invalid", f"unknown search parameter {unknown[0]}")
    live = sorted((record for (t, _), record in records.items() if t == kind and record[2]), key=lambda record: record[0])
    return [x for x in live if within(call.get("confinedTo"), x[2]) and all(known[n][1](x[2], v) for n, v in query if n in known)]

def search(call, type, query, **_):
    matches, values = found(call, type, query), dict(query)
    count = 0 if values.get("_summary") == "count" else min(int(values.get("_count", 20)), 200)
    rest = [x for x in matches if x[0] > int(call.get("page", 0))]
    page = {"total": len(matches), "entries": [{"resource": x[2]} for x in rest[:count]]}
    return {"status": "ok", "page": page | ({"next": str(rest[count - 1][0])} if 0 < count < len(rest) else {})}

def answer(status, kind, id):
    _, version, resource = records[kind, id]
    return {"status": status, "subject": {"type": kind, "id": id, "versionId": str(version)}, "resource": resource}

def save(kind, id, resource):
    record = records.setdefault((kind, id), [next(numbers), 0, None])
    now = datetime.datetime.now(datetime.timezone.utc).isoformat()
    meta = {**resource.get("meta", {}), "versionId": str(record[1] + 1), "lastUpdated": now}
    record[1:] = [record[1] + 1, {**resource, "id": id, "meta": meta}]

def create(call, type, resource, ifNoneExist=None, **_):
    matches = found(call, type, ifNoneExist) if ifNoneExist else []
    if len(matches) > 1: raise Refused("multiple-matches", "the condition matches more than one resource")
    id = matches[0][2]["id"] if matches else f"b{next(numbers)}"
    if not matches: save(type, id, resource)
    return answer("ok" if matches else "created", type, id)

def current(type, id, ifMatch=None):
    if (type, id) not in records: raise Refused("not-found", "there is no such resource")
    if ifMatch and ifMatch != str(records[type, id][1]): raise Refused("version-mismatch", "`If-Match` names another version than the current one")
    return records[type, id]

def read(call, type, id, **_):
    if current(type, id)[2] is None: raise Refused("gone", "the resource was deleted")
    return answer("ok", type, id)

def update(call, type, resource, id, ifMatch=None, **_):
    current(type, id, ifMatch)
    if call["mustCreate"]: raise Refused("version-mismatch", "the id is in use")
    save(type, id, resource)
    return answer("ok", type, id)

def delete(call, type, id, ifMatch=None, **_):
    if (type, id) in records: current(type, id, ifMatch)[2] = None
    return {"status": "no-content"}

INTERACTIONS = {"read": read, "create": create, "update": update, "delete": delete, "search-type": search}

def capability():
    search = lambda own: [{"name": name, "type": kind} for name, (kind, _) in {**SHARED, **own}.items()]
    resources = [{"type": kind, "interaction": [{"code": code} for code in INTERACTIONS], "versioning": "versioned-update",
                  "conditionalCreate": True, "searchParam": search(own)} for kind, (_, own) in TYPES.items()]
    return {"protocol": 1, "fhirVersion": "4.0.1", "rest": [{"mode": "server", "resource": resources}]}

def perform(call):
    try:
        with lock: return INTERACTIONS[call["interaction"].pop("code")](call, **call["interaction"])
    except Refused as refused:
        return {"error": {"kind": refused.args[0], "issues": [{"text": refused.args[1]}]}}

# Numbers stay as they are written: 1.50 is not 1.5. They travel as marked texts, and lose the mark at the end.
loads = lambda text: json.loads(text, parse_float=lambda number: "\0" + number, parse_int=lambda number: "\0" + number)
dumps = lambda value: re.sub(r'"\\u0000([-+.0-9eE]+)"', r"\1", json.dumps(value)).encode()

class Billing(BaseHTTPRequestHandler):
    protocol_version, wbufsize, disable_nagle_algorithm = "HTTP/1.1", -1, True

    def do_GET(self):
        secret = os.environ.get("BILLING_SECRET")
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        paths = {"/capability": capability, "/health": lambda: {"status": "up"}, "/perform": lambda: perform(loads(body))}
        allowed = not secret or self.headers.get("authorization") == f"Bearer {secret}"
        reply = dumps(paths[self.path]()) if allowed and self.path in paths else b""
        self.send_response(200 if reply else 404 if allowed else 401)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    do_POST = do_GET
    log_message = lambda self, *_: None  # a log of ours has no patient in it

if __name__ == "__main__":
    address, _, port = (sys.argv[1:] or ["127.0.0.1:9100"])[0].rpartition(":")
    server = ThreadingHTTPServer((address, int(port)), Billing)
    print(f"listening on {server.server_address[0]}:{server.server_address[1]}", flush=True)
    server.serve_forever()
