// oidc-provider as an outside issuer of access tokens for a FHIR base, and one token of it.
// node oidc.mjs PORT AUDIENCE: prints `token SCOPE JWT` for each scope asked on stdin, a line each.
import { createSign, generateKeyPairSync, randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import readline from 'node:readline';

const require = createRequire(`${process.env.FRONTDESK_PEERS}/package.json`);
const { Provider } = await import(pathToFileURL(require.resolve('oidc-provider')));

const port = Number(process.argv[2]);
const audience = process.argv[3];
const issuer = `http://127.0.0.1:${port}`;
const scopes = 'system/*.rs system/*.cruds system/Patient.rs';
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'k1', use: 'sig', alg: 'ES384' };
const provider = new Provider(issuer, {
  scopes: scopes.split(' '),
  clients: [{
    client_id: 'outside',
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'ES384',
    jwks: { keys: [jwk] },
  }],
  features: {
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => audience,
      getResourceServerInfo: () => ({
        scope: scopes, audience, accessTokenFormat: 'jwt', accessTokenTTL: 300, jwt: { sign: { alg: 'RS256' } },
      }),
    },
  },
  enabledJWA: { clientAuthSigningAlgValues: ['ES384', 'RS384', 'RS256'] },
});

function assertion() {
  const now = Math.floor(Date.now() / 1000);
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part({ alg: 'ES384', kid: 'k1', typ: 'JWT' })}.${part({
    iss: 'outside', sub: 'outside', aud: issuer, iat: now, exp: now + 60, jti: randomUUID(),
  })}`;
  const signature = createSign('SHA384').update(signed).sign({ key: privateKey, dsaEncoding: 'ieee-p1363' });
  return `${signed}.${signature.toString('base64url')}`;
}

async function token(scope) {
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      scope,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion(),
    }),
  });
  const answer = await response.json();
  return answer.access_token ?? `refused ${JSON.stringify(answer)}`;
}

provider.listen(port, '127.0.0.1', () => console.log('ready'));
for await (const scope of readline.createInterface({ input: process.stdin })) {
  console.log(`token ${await token(scope)}`);
}
process.exit(0);
