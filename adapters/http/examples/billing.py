"""A practice's billing system as an adapter process (see ../PROTOCOL.md): everything in memory, nothing but the standard library.

    BILLING_SECRET=s3cret python3 billing.py 127.0.0.1:9100
"""
import datetime, itertools, json, os, re, sys, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

def identifier(r, v):
    system, _, code = v.rpartition("|")
    return any(i.get("value") == code and ("|" not in v or i.get("system", "") == system) for i in r.get("identifier", []))

patient = lambda r, v: (r.get("patient") or r.get("beneficiary", {})).get("reference", "").endswith("/" + v.rpartition("/")[2])
TYPES = {  # search parameters: their types, and what matches
    "Patient": {"identifier": ("token", identifier), "_id": ("token", lambda r, v: r["id"] == v),
                "family": ("string", lambda r, v: any(n.get("family", "").lower().startswith(v.lower()) for n in r.get("name", [])))},
    "Claim": {"identifier": ("token", identifier), "_id": ("token", lambda r, v: r["id"] == v), "patient": ("reference", patient)},
    "Coverage": {"_id": ("token", lambda r, v: r["id"] == v), "patient": ("reference", patient)},
}
lock, numbers, records = threading.Lock(), itertools.count(1), {}  # (type, id): [number, version, resource]

class Refused(Exception): pass

def found(call, kind, query, free=()):
    unknown = [name for name, _ in query if name not in TYPES[kind] and name not in ("_count", "_total", "_summary")]
    if unknown: raise Refused("invalid", f"unknown search parameter {unknown[0]}")
    owner = call.get("confinedTo") if kind not in free else None  # what the client is confined to: nothing else is found or counted
    mine = lambda r: not owner or (r["id"] == owner["id"] if kind == owner["type"] else patient(r, f"{owner['type']}/{owner['id']}"))
    live = sorted((record for (type, _), record in records.items() if type == kind and mine(record[2])), key=lambda x: x[0])
    either = lambda r, name, values: any(TYPES[kind][name][1](r, value) for value in values.split(","))
    return [x for x in live if all(either(x[2], name, values) for name, values in query if name in TYPES[kind])]

def search(call, type, query, **_):
    matches, values = found(call, type, query, call.get("directory", ())), dict(query)
    count = 0 if values.get("_summary") == "count" else min(int(values.get("_count", 20)), 200)
    rest = [x for x in matches if x[0] > int(call.get("page", 0))]
    page = {"total": len(matches), "entries": [{"resource": x[2]} for x in rest[:count]]}
    return {"status": "ok", "page": page | ({"next": str(rest[count - 1][0])} if 0 < count < len(rest) else {})}

def answer(status, type, id):
    _, version, resource = records[type, id]
    return {"status": status, "subject": {"type": type, "id": id, "versionId": str(version)}, "resource": resource}

def save(status, type, id, resource):
    number, version, _ = records.get((type, id), (next(numbers), 0, None))
    now = datetime.datetime.now(datetime.timezone.utc).isoformat()
    meta = {**resource.get("meta", {}), "versionId": str(version + 1), "lastUpdated": now}
    records[type, id] = [number, version + 1, {**resource, "id": id, "meta": meta}]
    return answer(status, type, id)

def create(call, type, resource, ifNoneExist=None, **_):
    matches = found(call, type, ifNoneExist) if ifNoneExist else []
    if len(matches) > 1: raise Refused("multiple-matches", "the condition matches more than one resource")
    return answer("ok", type, matches[0][2]["id"]) if matches else save("created", type, f"b{next(numbers)}", resource)

def current(type, id, ifMatch=None):
    if (type, id) not in records: raise Refused("not-found", "there is no such resource")
    if ifMatch not in (None, str(records[type, id][1])): raise Refused("version-mismatch", "`If-Match` names another version")

def read(call, type, id, **_):
    current(type, id)
    return answer("ok", type, id)

def update(call, type, resource, id, ifMatch=None, **_):
    current(type, id, ifMatch)
    if call["mustCreate"]: raise Refused("version-mismatch", "the id is in use")
    return save("ok", type, id, resource)

def delete(call, type, id, ifMatch=None, **_):
    if (type, id) in records: current(type, id, ifMatch)
    records.pop((type, id), None)
    return {"status": "no-content"}

INTERACTIONS = {"read": read, "create": create, "update": update, "delete": delete, "search-type": search}
CAPABILITY = {"protocol": 1, "fhirVersion": "4.0.1", "rest": [{"mode": "server", "resource": [
    {"type": type, "interaction": [{"code": code} for code in INTERACTIONS], "versioning": "versioned-update", "conditionalCreate": True,
     "searchParam": [{"name": name, "type": kind} for name, (kind, _) in known.items()]} for type, known in TYPES.items()]}]}

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
        body, secret = self.rfile.read(int(self.headers.get("content-length", 0))), os.environ.get("BILLING_SECRET")
        paths = {"/capability": lambda: CAPABILITY, "/health": lambda: {"status": "up"}, "/perform": lambda: perform(loads(body))}
        allowed = not secret or self.headers.get("authorization") == f"Bearer {secret}"
        reply = dumps(paths[self.path]()) if allowed and self.path in paths else b""
        self.send_response(200 if reply else 404 if allowed else 401)
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
