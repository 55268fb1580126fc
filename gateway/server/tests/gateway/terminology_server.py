"""A small FHIR terminology server: the code itself says what becomes of the question about it."""

import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

asked = []


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(200, asked)

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        asked.append({"path": self.path, "body": body, "authorization": self.headers["authorization"]})
        values = {p["name"]: next(v for k, v in p.items() if k != "name") for p in body["parameter"]}
        code = values["code"]
        if code.startswith("slow"):
            time.sleep(3)
        if code.startswith("broken"):
            return self.answer(500, None, b"<html>")
        if code.startswith("strange"):
            return self.answer(404, {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "not-found"}]})
        parameters = [{"name": "result", "valueBoolean": code.startswith("good")}]
        self.answer(200, {"resourceType": "Parameters", "parameter": parameters})

    def answer(self, status, value, text=None):
        text = text if text is not None else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/fhir+json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
print(server.server_address[1], flush=True)
server.serve_forever()
