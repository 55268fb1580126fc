// npm's fhir-kit-client and fhirclient, unmodified, against a FHIR base: clients.mjs NAME BASE TOKEN.
// Each creates, reads, searches, pages and patches Patients of a name of its own; it ends with an error at the first surprise.
import assert from 'node:assert';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const require = createRequire(`${process.env.FRONTDESK_PEERS}/`);
const [name, base, token] = process.argv.slice(2);
const PATIENTS = 7;

const family = name.replace(/[^a-z]/g, '');
const patient = number => ({ resourceType: 'Patient', active: true, name: [{ family, given: [`${number}`] }] });
const given = patients => patients.map(found => found.name[0].given[0]).join('');
const deactivate = [{ op: 'test', path: '/active', value: true }, { op: 'replace', path: '/active', value: false }];

async function fhirKitClient() {
    // Its one entry is a module, which `require` does not resolve.
    const entry = `${process.env.FRONTDESK_PEERS}/node_modules/fhir-kit-client/dist/index.js`;
    const { Client } = await import(pathToFileURL(entry));
    const client = new Client({ baseUrl: base, bearerToken: token });
    const created = [];
    for (let number = 0; number < PATIENTS; number++) {
        created.push(await client.create({ resourceType: 'Patient', body: patient(number) }));
    }
    const { id } = created[0];
    assert.equal((await client.read({ resourceType: 'Patient', id })).name[0].family, family);

    const found = [];
    let bundle = await client.search({ resourceType: 'Patient', searchParams: { family, _count: 3, _sort: '_id' } });
    while (bundle) {
        found.push(...(bundle.entry ?? []).map(entry => entry.resource));
        bundle = await client.nextPage({ bundle });
    }
    assert.deepEqual(found.map(one => one.id).sort(), created.map(one => one.id).sort());

    const patched = await client.patch({ resourceType: 'Patient', id, jsonPatch: deactivate });
    assert.equal(patched.active, false);
    await client.delete({ resourceType: 'Patient', id });
    await assert.rejects(client.read({ resourceType: 'Patient', id }), error => error.response.status === 410);
}

async function fhirclient() {
    const { FhirClient } = require('fhirclient');
    const client = new FhirClient(base);
    const signed = { headers: { authorization: `Bearer ${token}` } };
    const created = [];
    for (let number = 0; number < PATIENTS; number++) {
        created.push(await client.create(patient(number), signed));
    }
    const { id } = created[0];
    assert.equal((await client.fhirRequest(`Patient/${id}`, signed)).name[0].family, family);

    const found = [];
    let url = `Patient?family=${family}&_count=3&_sort=given`;
    while (url) {
        const bundle = await client.fhirRequest(url, signed);
        found.push(...(bundle.entry ?? []).map(entry => entry.resource));
        url = bundle.link.find(link => link.relation === 'next')?.url;
    }
    assert.equal(given(found), '0123456');

    const patched = await client.patch(`Patient/${id}`, deactivate, signed);
    assert.equal(patched.active, false);
    await client.delete(`Patient/${id}`, signed);
    await assert.rejects(client.fhirRequest(`Patient/${id}`, signed), error => error.status === 410 || error.statusCode === 410);
}

await { 'fhir-kit-client': fhirKitClient, fhirclient }[name]();
console.log('done');
