// npm's fhir-kit-client and fhirclient, unmodified, against a FHIR base: clients.mjs NAME BASE TOKEN.
// Each creates (by a condition too), reads, searches, pages, patches, looks back, runs batches and transactions and is refused, with
// Patients of a name of its own; it ends with an error at the first surprise.
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

const entry = (method, url, more = {}) => ({ ...more, request: { method, url, ...more.request } });
const bundle = (type, entries) => ({ resourceType: 'Bundle', type, entry: entries });
const appointment = reference => ({
    resourceType: 'Appointment', status: 'proposed', participant: [{ actor: { reference }, status: 'accepted' }],
});
const identified = value => ({ ...patient(value), identifier: [{ system: 'urn:example:clients', value }] });

// A Patient, and an Appointment that refers to it before it is there.
const booking = value => {
    const fullUrl = 'urn:uuid:0a6c9d1e-7d5c-4ff5-9a4b-7d2ad5f5a1aa';
    const ifNoneExist = `identifier=urn:example:clients|${value}`;
    return bundle('transaction', [
        entry('POST', 'Appointment', { resource: appointment(fullUrl) }),
        entry('POST', 'Patient', { fullUrl, resource: identified(value), request: { ifNoneExist } }),
    ]);
};

// Right in its first entry, and with a version that is not current in its second: nothing of it may happen.
const halfWrong = (id, value) => bundle('transaction', [
    entry('POST', 'Patient', { resource: identified(value) }),
    entry('PUT', `Patient/${id}`, { resource: { ...patient('0'), id }, request: { ifMatch: 'W/"999"' } }),
]);

// What a transaction made: the id of the Patient and whether the Appointment refers to it.
async function booked(answer, read) {
    assert.equal(answer.type, 'transaction-response');
    const [appointment, patient] = answer.entry.map(entry => entry.response.location.split('/').slice(-4, -2).join('/'));
    assert.equal((await read(appointment)).participant[0].actor.reference, patient);
    return patient;
}

const isOutcome = (outcome, code) => outcome?.resourceType === 'OperationOutcome' && outcome.issue.some(issue => issue.code === code);

async function fhirKitClient() {
    // Its one entry is a module, which `require` does not resolve.
    const main = `${process.env.FRONTDESK_PEERS}/node_modules/fhir-kit-client/dist/index.js`;
    const { Client } = await import(pathToFileURL(main));
    const client = new Client({ baseUrl: base, bearerToken: token });
    const created = [];
    for (let number = 0; number < PATIENTS; number++) {
        created.push(await client.create({ resourceType: 'Patient', body: patient(number) }));
    }
    const { id } = created[0];
    assert.equal((await client.read({ resourceType: 'Patient', id })).name[0].family, family);

    const found = [];
    let page = await client.search({ resourceType: 'Patient', searchParams: { family, _count: 3, _sort: '_id' } });
    while (page) {
        found.push(...(page.entry ?? []).map(entry => entry.resource));
        page = await client.nextPage({ bundle: page });
    }
    assert.deepEqual(found.map(one => one.id).sort(), created.map(one => one.id).sort());

    const patched = await client.patch({ resourceType: 'Patient', id, jsonPatch: deactivate });
    assert.equal(patched.active, false);

    const [version] = [created[0].meta.versionId];
    assert.equal((await client.vread({ resourceType: 'Patient', id, version })).active, true);
    const versions = await client.resourceHistory({ resourceType: 'Patient', id });
    assert.deepEqual(versions.entry.map(entry => entry.request.method), ['PUT', 'POST']);
    const condition = { headers: { 'If-None-Exist': 'identifier=urn:example:clients|kit' } };
    const once = await client.create({ resourceType: 'Patient', body: identified('kit'), options: condition });
    const again = await client.create({ resourceType: 'Patient', body: identified('kit'), options: condition });
    assert.equal(again.id, once.id);
    const searchParams = { identifier: 'urn:example:clients|kit' };
    const updated = await client.update({ resourceType: 'Patient', searchParams, body: { ...identified('kit'), active: false } });
    assert.deepEqual([updated.id, updated.active], [once.id, false]);

    const read = url => client.request(url);
    const who = await booked(await client.transaction({ body: booking('kit') }), read);
    assert.equal(who, `Patient/${once.id}`, 'the condition of the entry finds who is there');
    await assert.rejects(client.transaction({ body: halfWrong(id, 'kit-half') }), error =>
        error.response.status === 412 && isOutcome(error.response.data, 'conflict'));
    assert.equal((await client.search({ resourceType: 'Patient', searchParams: { identifier: 'kit-half' } })).total, 0);
    const batch = bundle('batch', [entry('GET', who), entry('GET', 'Patient/never-was'), entry('GET', `Patient?family=${family}&_summary=count`)]);
    const answers = (await client.batch({ body: batch })).entry;
    assert.deepEqual(answers.map(answer => answer.response.status.slice(0, 3)), ['200', '404', '200']);
    assert.ok(isOutcome(answers[1].response.outcome, 'not-found'));
    await assert.rejects(client.create({ resourceType: 'Patient', body: { resourceType: 'Patient', gender: 'xx' } }), error =>
        error.response.status === 422 && isOutcome(error.response.data, 'code-invalid'));
    await assert.rejects(client.search({ resourceType: 'Patient', searchParams: { nonsense: '1' } }), error =>
        error.response.status === 400 && error.response.data.issue[0].details.text.includes('nonsense'));

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

    const send = (method, url, body, headers = {}) => client.fhirRequest(url, {
        method, body: JSON.stringify(body),
        headers: { ...signed.headers, 'content-type': 'application/fhir+json', ...headers },
    });
    const read = url => client.fhirRequest(url, signed);
    const paged = [];
    for await (const one of client.resources(`Patient?family=${family}&_count=2`, signed)) paged.push(one.id);
    assert.deepEqual(paged.sort(), created.map(one => one.id).sort());
    assert.equal((await read(`Patient/${id}/_history/${created[0].meta.versionId}`)).active, true);
    assert.equal((await read(`Patient/${id}/_history`)).entry.length, 2);
    const condition = { 'if-none-exist': 'identifier=urn:example:clients|smart' };
    const once = await send('POST', 'Patient', identified('smart'), condition);
    assert.equal((await send('POST', 'Patient', identified('smart'), condition)).id, once.id);
    // It has no call for transactions: its own raw request, to the base.
    const who = await booked(await send('POST', '', booking('smart')), read);
    assert.equal(who, `Patient/${once.id}`, 'the condition of the entry finds who is there');
    await assert.rejects(send('POST', '', halfWrong(id, 'smart-half')), error => error.status === 412 || error.statusCode === 412);
    assert.equal((await read('Patient?identifier=smart-half')).total, 0);
    const participants = (await read(`Appointment?actor=${who}`)).entry[0].resource;
    await client.resolveReferences(participants, ['participant.0.actor'], signed);
    assert.equal(participants.participant[0].actor.name[0].family, family);
    await assert.rejects(client.create({ resourceType: 'Patient', gender: 'xx' }, signed), error =>
        error.status === 422 && /gender/.test(error.message));
    assert.equal(await client.getFhirVersion(), '4.0.1');

    await client.delete(`Patient/${id}`, signed);
    await assert.rejects(client.fhirRequest(`Patient/${id}`, signed), error => error.status === 410 || error.statusCode === 410);
}

await { 'fhir-kit-client': fhirKitClient, fhirclient }[name]();
console.log('done');
