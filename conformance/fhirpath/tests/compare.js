// Asks fhirpath.js the expressions of specification.rs and prints where it differs from what is expected there. Started by hand:
//
//   npm install --prefix target/peers/fhirpath-js fhirpath@5.2.2
//   NODE_PATH=target/peers/fhirpath-js/node_modules node conformance/fhirpath/tests/compare.js
//
// Ends with 1 when an expression differs that DECIDED does not have: then the specification decides who is right.
'use strict';

const fs = require('fs');
const path = require('path');
const fhirpath = require('fhirpath');
const model = require('fhirpath/fhir-context/r5');

// Looked into, and decided by the specification.
const DECIDED = [
    [/^%`ext|^%'vs|^%sct|checkModifiers|precision\(\)|repeatAll|conformsTo|sort\(-\$this\)/, 'not there'],
    [/skip\(-1\)|take\(-2\)/, '5.3: a negative number skips, or takes, nothing'],
    [/^iif\(1/, '5.5.1: the criterion is a boolean'],
    [/2147483648|2147483647|9223372036854775807|9999-12-31/, '4.1, 6.6: what is beyond its range is empty'],
    [/toDecimal|toQuantity/, '5.5.4, 5.5.7: true is 1.0; the calendar unit is kept in the singular here'],
    [/first\(\)\.(toString|convertsToString)/, '5.5.6: a complex element is no string'],
    [/replaceMatches/, 'groups by name; an empty pattern replaces nothing'],
    [/decode\('hex'\)|\.ln\(\)|round\(-1\)/, 'no such value: empty, or an error for the argument'],
    [/^\(-1\.5\)\.round/, '5.7.8: half goes away from zero'],
    [/^1 'kg' = 1 's'/, '6.1.1: different dimensions are empty'],
    [/~ \(2 \| 1\)/, '6.1.2: order does not count'],
    [/^true > false/, '6.2: booleans have no order'],
    [/mod 0\.7/, '6.6.6: decimals are exact'],
    [/\* 3 'cm'/, '6.6.1: the units of the operands'],
    [/\+ 1 month|500 milliseconds/, '6.6.7: the offset is kept, and fractions are decimal'],
    [/^'\\p'/, '4.1.2: no such escape'],
    [/Boundary/, '5.10: as many digits as are asked for; a boundary of a date is a dateTime'],
    [/^multipleBirthInteger/, 'the choice is called multipleBirth'],
    [/^today\(\)/, 'the clock of the test'],
];

const source = fs.readFileSync(path.join(__dirname, 'specification.rs'), 'utf8');
const patient = JSON.parse(source.match(/const PATIENT: &str = r#"([\s\S]*?)"#;/)[1]);

function expectations() {
    const tables = [...source.matchAll(/meets\(\s*r#"([\s\S]*?)"#,/g)].map((match) => match[1]);
    const lines = tables.flatMap((table) => table.split('\n')).map((line) => line.trim()).filter(Boolean);
    return lines.map((line) => {
        const at = line.lastIndexOf('=>');
        return [line.slice(0, at).trim(), line.slice(at + 2).trim()];
    });
}

function theirs(expression) {
    try {
        const found = fhirpath.evaluate(patient, expression, {}, model, { traceFn: () => {} });
        return found.map((item) => (typeof item === 'object' ? `${item}` : String(item))).join(' ');
    } catch (error) {
        return '!';
    }
}

// Quotes, signs of literals and suffixes are ours.
const bare = (text) => text.replace(/['@]/g, '').replace(/^T/, '').replace(/L$/, '');

const all = expectations();
const differing = all.map(([expression, ours]) => [expression, ours, theirs(expression)]).filter(([, ours, other]) => bare(ours) !== bare(other));
const open = differing.filter(([expression]) => !DECIDED.some(([pattern]) => pattern.test(expression)));
open.forEach(([expression, ours, other]) => console.log(`${expression}\n    expected ${ours}\n    found    ${other}`));
console.log(`${all.length} expressions, ${differing.length} differ, ${open.length} of them undecided`);
process.exitCode = open.length > 0 ? 1 : 0;
