// The peer: node oidc-provider with the clients that our own bench has. Tokens are ES256 JWTs
// of 600 seconds for one audience, which it does not store; what it must keep (codes, refresh
// tokens, grants, used assertions and proofs) is in this process's memory, in maps without a limit:
// its own memory adapter forgets all but 1,000.
// usage: node oidc-provider.mjs PORT [JWKS], where node_modules is at or above the working folder.
// JWKS is a file, the keys of client bench-key. With it, a line "N SCOPE" on standard input
// makes N codes, a line of JSON each answer: no browser signs in for each of them.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const find = createRequire(`${process.cwd()}/package.json`);
const { Provider, default: legacy } = await import(pathToFileURL(find.resolve('oidc-provider')).href);
const port = Number(process.argv[2]);
const jwks = process.argv[3] && JSON.parse(readFileSync(process.argv[3], 'utf8'));
const resource = 'https://mail.example';
const redirectUri = 'http://127.0.0.1:4711/callback';

const key = (kid, alg, ...how) => ({
  ...generateKeyPairSync(...how).privateKey.export({ format: 'jwk' }), kid, alg, use: 'sig',
});

class Memory {
  static grants = new Map();

  constructor() { this.kept = new Map(); }

  async upsert(id, payload) {
    this.kept.set(id, payload);
    if (!payload.grantId) return;
    const of = Memory.grants.get(payload.grantId) ?? [];
    of.push([this.kept, id]);
    Memory.grants.set(payload.grantId, of);
  }

  async find(id) { return this.kept.get(id); }

  async consume(id) { this.kept.get(id).consumed = Math.floor(Date.now() / 1000); }

  async destroy(id) { this.kept.delete(id); }

  async revokeByGrantId(grantId) {
    (Memory.grants.get(grantId) ?? []).forEach(([kept, id]) => kept.delete(id));
    Memory.grants.delete(grantId);
  }
}

const clients = [{
  client_id: 'bench', client_secret: 'bench-secret',
  token_endpoint_auth_method: 'client_secret_basic',
  grant_types: ['client_credentials'], response_types: [], redirect_uris: [],
}];
if (jwks) {
  clients.push({
    client_id: 'bench-key', jwks,
    token_endpoint_auth_method: 'private_key_jwt', token_endpoint_auth_signing_alg: 'ES256',
    grant_types: ['client_credentials'], response_types: [], redirect_uris: [],
  }, {
    client_id: 'bench-app', client_secret: 'bench-secret-of-the-app',
    token_endpoint_auth_method: 'client_secret_basic', id_token_signed_response_alg: 'ES256',
    grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'],
    redirect_uris: [redirectUri],
  });
}

const provider = new (Provider ?? legacy)(`http://127.0.0.1:${port}`, {
  adapter: Memory,
  // the library's defaults for clients want an RS256 key to be there
  jwks: { keys: [key('es', 'ES256', 'ec', { namedCurve: 'P-256' }),
    key('rs', 'RS256', 'rsa', { modulusLength: 2048 })] },
  clients,
  scopes: ['openid', 'offline_access', 'mail.read'],
  rotateRefreshToken: true,
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    dPoP: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => resource,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        audience: 'mail', scope: 'mail.read', accessTokenTTL: 600,
        accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
});

const codeFor = async (scope) => {
  const client = await provider.Client.find('bench-app');
  const grant = new provider.Grant({ accountId: 'alice', clientId: 'bench-app' });
  grant.addOIDCScope('openid offline_access');
  grant.addResourceScope(resource, 'mail.read');
  const codeChallenge = createHash('sha256').update('v'.repeat(43)).digest('base64url');
  return new provider.AuthorizationCode({
    accountId: 'alice', client, grantId: await grant.save(), scope, resource, redirectUri,
    codeChallenge, codeChallengeMethod: 'S256', nonce: 'n-1', gty: 'authorization_code',
    authTime: Math.floor(Date.now() / 1000),
  }).save();
};

provider.listen(port, '127.0.0.1', () => console.log('ready'));
if (jwks) {
  createInterface({ input: process.stdin }).on('line', async (line) => {
    const [, n, scope] = line.match(/^(\d+) (.*)$/);
    const codes = [];
    for (let i = 0; i < Number(n); i += 1) codes.push(await codeFor(scope));
    console.log(JSON.stringify(codes));
  }).on('close', () => process.exit(0));
}
