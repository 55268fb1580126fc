"""A small JSON API that knows nothing of FHIR, as a practice's own software may have it; in memory. Prints where it listens."""
import itertools, json, re, sys, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

lock, numbers, people = threading.Lock(), itertools.count(1), {}
FILTERS = {"mrn": lambda p, v: p.get("mrn") == v, "last_name": lambda p, v: (p.get("last_name") or "").startswith(v),
           "sex": lambda p, v: p.get("sex") == v}

class Api(BaseHTTPRequestHandler):
    protocol_version, wbufsize, disable_nagle_algorithm = "HTTP/1.1", -1, True

    def answer(self, status, value, **fields):
        body = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        for name, text in {"content-type": "application/json", "content-length": str(len(body)), **fields}.items():
            self.send_header(name.replace("_", "-"), text)
        self.end_headers()
        self.wfile.write(body)

    def listed(self, url, query):
        unknown = [name for name, _ in query if name not in FILTERS and name not in ("page", "per_page", "offset", "limit", "after")]
        if unknown:
            return self.answer(400, {"error": {"message": f"no filter {unknown[0]}"}})
        found = [p for p in people.values() if all(FILTERS[n](p, v) for n, v in query if n in FILTERS)]
        values = dict(query)
        size = int(values.get("per_page", values.get("limit", 1000)))
        start = (int(values["page"]) - 1) * size if "page" in values else int(values.get("offset", values.get("after", 0)))
        here, more = found[start:start + size], start + size < len(found)
        fields = {}
        if more and "after" not in values and "page" not in values:
            rest = "&".join([f"{n}={v}" for n, v in query if n != "offset"] + [f"offset={start + size}"])
            fields = {"link": f'<{url.path}?{rest}>; rel="next"'}
        self.answer(200, {"data": here, "meta": {"total": len(found), "next": str(start + size) if more else ""}}, **fields)

    def serve(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        url = urlsplit(self.path)
        if self.headers.get("x-api-key") != "k3y":
            return self.answer(401, {"error": {"message": "no key"}})
        with lock:
            one = re.fullmatch(r"/api/people/([^/]+)", url.path)
            if url.path == "/api/ping":
                return self.answer(200, {})
            if url.path == "/api/people" and self.command == "GET":
                return self.listed(url, parse_qsl(url.query))
            if url.path == "/api/people" and self.command == "POST":
                person = {**json.loads(body), "id": next(numbers), "rev": 1, "changed": "2030-01-01T09:00:00Z"}
                people[str(person["id"])] = person
                return self.answer(201, {"data": person}, location=f"/api/people/{person['id']}")
            if not one or one[1] not in people:
                return self.answer(404, {"error": {"message": "no such person"}})
            person = people[one[1]]
            if self.command == "GET":
                return self.answer(200, {"data": person})
            match = self.headers.get("if-match", "").strip('"')
            if match and match != str(person["rev"]):
                return self.answer(409, {"error": {"message": "somebody else changed it"}})
            if self.command == "DELETE":
                del people[one[1]]
                return self.answer(204, None)
            sent = json.loads(body)
            if sent.get("rev", person["rev"]) != person["rev"]:
                return self.answer(409, {"error": {"message": "somebody else changed it"}})
            people[one[1]] = {**sent, "id": person["id"], "rev": person["rev"] + 1, "changed": "2030-01-01T10:00:00Z"}
            self.answer(200, {"data": people[one[1]]}, etag=f'"{person["rev"] + 1}"')

    do_GET = do_POST = do_PUT = do_DELETE = serve
    log_message = lambda self, *_: None

server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
print(f"listening on 127.0.0.1:{server.server_address[1]}", flush=True)
server.serve_forever()
