// npm fast-jwt: createVerifier with a key function that finds the key by kid, use and alg (it has no
// notion of a JWKS, so that is the application's), allowedIss, allowedAud, algorithms, checkTyp, requiredClaims and maxAge. Several issuers: its own lists of issuers and
// audiences over all their keys, or --per-issuer. --cache turns on its cache of verified tokens.
import { createPublicKey } from 'node:crypto';
import { createDecoder, createVerifier } from 'fast-jwt';
import { serve, version } from './adapter.mjs';

const perIssuer = process.argv.includes('--per-issuer');
const cache = process.argv.includes('--cache');
const decode = createDecoder();
const verifiers = new Map();
let issuers = [];
let now = 0;
// the cache asks the clock, and a verifier lives longer than a second
Date.now = () => now * 1000;

function pem({ kid, alg }) {
  const found = issuers.flatMap((i) => JSON.parse(i.jwks).keys)
    .filter((k) => k.kid === kid && k.alg === alg && k.use !== 'enc');
  if (found.length !== 1) throw new Error('no such key');
  return createPublicKey({ key: found[0], format: 'jwk' }).export({ type: 'spki', format: 'pem' });
}

function verifierFor(key) {
  const typ = issuers[0].typ;
  return createVerifier({
    key,
    algorithms: ['ES256', 'EdDSA', 'RS256', 'PS256'],
    allowedIss: issuers.map((i) => i.issuer),
    allowedAud: issuers.flatMap((i) => i.audiences),
    checkTyp: typ.toLowerCase(),
    requiredClaims: ['iss', 'aud', 'iat', 'exp', 'sub', ...(typ === 'JWT' ? [] : ['jti', 'client_id'])],
    maxAge: issuers[0].max_ttl_s * 1000,
    cache,
  });
}

// one for all that the application would not make a new one for: keys change under it
function verifier() {
  const id = JSON.stringify(issuers.map(({ jwks, periods, ...rest }) => rest));
  if (!verifiers.has(id)) verifiers.set(id, verifierFor(async ({ header }) => pem(header)));
  return verifiers.get(id);
}

serve({
  name: `fast-jwt ${version('fast-jwt')}${cache ? ', cache on' : ''}${perIssuer ? ', one verifier an issuer' : ''}`,
  has: ['payload', 'EdDSA', 'PS256', 'typ', 'iss', 'aud', 'exp', 'exp-required', 'nbf', 'iat', 'required',
    'issuers', 'nul', 'integer-times'],
}, async (question) => {
  if (question.fresh) verifiers.clear();
  now = question.now;
  issuers = question.policy;
  if (perIssuer && issuers.length > 1) {
    const { iss } = decode(question.token);
    issuers = issuers.filter((i) => i.issuer === iss);
  }
  await verifier()(question.token);
});
