// The peer: node oidc-provider with what our own bench client has, and nothing stored:
// client_credentials, an ES256 JWT of 600 seconds for one audience.
// usage: node oidc-provider.mjs PORT, where node_modules is at or above the working folder
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { generateKeyPairSync } from 'node:crypto';

const find = createRequire(`${process.cwd()}/package.json`);
const { Provider, default: legacy } = await import(pathToFileURL(find.resolve('oidc-provider')).href);
const port = Number(process.argv[2]);

const key = (kid, alg, ...how) => ({
  ...generateKeyPairSync(...how).privateKey.export({ format: 'jwk' }), kid, alg, use: 'sig',
});

const provider = new (Provider ?? legacy)(`http://127.0.0.1:${port}`, {
  // the library's defaults for clients want an RS256 key to be there
  jwks: { keys: [key('es', 'ES256', 'ec', { namedCurve: 'P-256' }),
    key('rs', 'RS256', 'rsa', { modulusLength: 2048 })] },
  clients: [{
    client_id: 'bench', client_secret: 'bench-secret',
    token_endpoint_auth_method: 'client_secret_basic',
    grant_types: ['client_credentials'], response_types: [], redirect_uris: [],
  }],
  scopes: ['mail.read'],
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => 'https://mail.example',
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        audience: 'mail', scope: 'mail.read', accessTokenTTL: 600,
        accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
});
provider.listen(port, '127.0.0.1', () => console.log('ready'));
