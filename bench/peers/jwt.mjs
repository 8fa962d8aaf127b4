// jose and fast-jwt beside the others of bench/run verify: `node jwt.mjs LIBRARY DIR`,
// questions on standard input as in rate.h. CPU time of the whole process.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { createRequire } from 'node:module';
import path from 'node:path';

const [library, dir] = process.argv.slice(2);
const require = createRequire(path.join(process.cwd(), 'x.js'));
const issuer = 'https://login.contoso-enterprise.example/0f3a/v2.0';
const audience = 'https://graph.mail.example';

const makers = {
  jose: async (alg, token) => {
    const { jwtVerify, createLocalJWKSet } = await import(require.resolve('jose'));
    const jwk = JSON.parse(readFileSync(`${dir}/${alg}.jwk`, 'utf8'));
    const keys = createLocalJWKSet({ keys: [jwk] });
    const options = { issuer, audience, algorithms: [alg], typ: 'at+jwt', requiredClaims: ['exp'] };
    return () => jwtVerify(token, keys, options);
  },
  'fast-jwt': (alg, token) => fast(alg, token, false),
  'fast-jwt-cached': (alg, token) => fast(alg, token, true),
};

function fast(alg, token, cache) {
  const { createVerifier } = require('fast-jwt');
  const key = readFileSync(`${dir}/${alg}.pem`, 'utf8');
  const verify = createVerifier({ key, algorithms: [alg], allowedIss: issuer, allowedAud: audience,
    requiredClaims: ['iss', 'aud', 'exp'], cache });
  return () => verify(token);
}

function cpuSeconds() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

async function measure(one, seconds) {
  const waits = one() instanceof Promise;
  for (let i = 0; i < 200; i++) waits ? await one() : one();
  const start = cpuSeconds();
  let n = 0, now = start;
  while (now - start < seconds) {
    for (let i = 0; i < 32; i++, n++) waits ? await one() : one();
    now = cpuSeconds();
  }
  return { per_s: n / (now - start), mallocs: null };
}

for await (const line of createInterface({ input: process.stdin })) {
  const [alg, what, ms] = line.split(' ');
  let answer = { left_out: 'it has no way to do all but the signature' };
  if (what === 'verify') {
    const token = readFileSync(`${dir}/${alg}.tok`, 'utf8').trim();
    try {
      answer = await measure(await makers[library](alg, token), ms / 1e3);
    } catch (e) {
      answer = { left_out: `it does not take the token: ${e.code || e.message}` };
    }
  }
  console.log(JSON.stringify(answer));
}
