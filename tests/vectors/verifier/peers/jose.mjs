// npm jose: createLocalJWKSet and jwtVerify with issuer, audience, algorithms, typ, requiredClaims
// and maxTokenAge. Several issuers: its own lists of issuers and audiences over all their keys; with
// --per-issuer the application picks one issuer's verifier by the unverified iss instead.
import { createLocalJWKSet, decodeJwt, jwtVerify } from 'jose';
import { serve, version } from './adapter.mjs';

const perIssuer = process.argv.includes('--per-issuer');

function terms(issuers) {
  const typ = issuers[0].typ;
  return {
    issuer: issuers.map((i) => i.issuer),
    audience: issuers.flatMap((i) => i.audiences),
    algorithms: ['ES256', 'EdDSA', 'RS256', 'PS256'],
    typ,
    requiredClaims: typ === 'JWT' ? ['exp', 'iat', 'sub'] : ['exp', 'iat', 'sub', 'jti', 'client_id'],
    maxTokenAge: issuers[0].max_ttl_s,
  };
}

function chosen(policy, token) {
  if (!perIssuer || policy.length < 2) return policy;
  const { iss } = decodeJwt(token);
  return policy.filter((i) => i.issuer === iss);
}

serve({
  name: `jose ${version('jose')}${perIssuer ? ', one verifier an issuer' : ''}`,
  has: ['payload', 'EdDSA', 'PS256', 'typ', 'iss', 'aud', 'exp', 'exp-required', 'nbf', 'iat', 'required',
    'issuers', 'load', 'nul', 'integer-times'],
}, async ({ policy, token, now }) => {
  const issuers = chosen(policy, token);
  const keys = issuers.flatMap((i) => JSON.parse(i.jwks).keys);
  await jwtVerify(token, createLocalJWKSet({ keys }),
    { ...terms(issuers), currentDate: new Date(now * 1000) });
});
