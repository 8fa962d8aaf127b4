// Flows of clients that nobody here wrote. A person's part is Python's: it prints "go URL" and
// reads where the browser ends.
import { createInterface } from 'node:readline';
import * as oc from 'openid-client';
import * as oauth from 'oauth4webapi';

const [, , which, issuer, clientId, secret] = process.argv;
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const redirect = 'http://127.0.0.1/callback';
const scope = 'openid profile offline_access mail.read';

async function browse(url) {
  console.log('go ' + url.href);
  return new URL((await lines.next()).value);
}

async function openidClient() {
  const auth = oc.ClientSecretBasic(secret);
  const config = await oc.discovery(new URL(issuer), clientId, {}, auth,
    { execute: [oc.allowInsecureRequests] });
  const DPoP = oc.getDPoPHandle(config, await oc.randomDPoPKeyPair('ES256'));
  const verifier = oc.randomPKCECodeVerifier(), state = oc.randomState(), nonce = oc.randomNonce();
  const url = await oc.buildAuthorizationUrlWithPAR(config, {
    redirect_uri: redirect, scope, state, nonce, code_challenge_method: 'S256',
    code_challenge: await oc.calculatePKCECodeChallenge(verifier),
  }, { DPoP });
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce };
  const got = await oc.authorizationCodeGrant(config, await browse(url), checks, {}, { DPoP });
  const sub = got.claims().sub;
  const person = await oc.fetchUserInfo(config, got.access_token, sub, { DPoP });
  const next = await oc.refreshTokenGrant(config, got.refresh_token, {}, { DPoP });
  const seen = await oc.tokenIntrospection(config, next.access_token);
  await oc.tokenRevocation(config, next.refresh_token);
  const after = await oc.tokenIntrospection(config, next.access_token);
  return { type: got.token_type, name: person.name, refreshed: next.token_type,
    cnf: seen.cnf.jkt === await DPoP.calculateThumbprint(), active: [seen.active, after.active] };
}

async function oauth4webapi() {
  const insecure = { [oauth.allowInsecureRequests]: true };
  const at = new URL(issuer);
  const as = await oauth.processDiscoveryResponse(at, await oauth.discoveryRequest(at, insecure));
  const client = { client_id: clientId }, auth = oauth.ClientSecretBasic(secret);
  const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'));
  const options = { ...insecure, DPoP };
  const verifier = oauth.generateRandomCodeVerifier(), nonce = oauth.generateRandomNonce();
  const pushed = await oauth.processPushedAuthorizationResponse(as, client,
    await oauth.pushedAuthorizationRequest(as, client, auth, new URLSearchParams({
      redirect_uri: redirect, scope, nonce, response_type: 'code', client_id: clientId,
      code_challenge_method: 'S256',
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier) }), options));
  const url = new URL(as.authorization_endpoint);
  url.search = new URLSearchParams({ client_id: clientId, request_uri: pushed.request_uri });
  const params = oauth.validateAuthResponse(as, client, await browse(url));
  const got = await oauth.processAuthorizationCodeResponse(as, client,
    await oauth.authorizationCodeGrantRequest(as, client, auth, params, redirect, verifier, options),
    { expectedNonce: nonce, requireIdToken: true });
  const { sub } = oauth.getValidatedIdTokenClaims(got);
  const person = await oauth.processUserInfoResponse(as, client, sub,
    await oauth.userInfoRequest(as, client, got.access_token, options));
  const next = await oauth.processRefreshTokenResponse(as, client,
    await oauth.refreshTokenGrantRequest(as, client, auth, got.refresh_token, options));
  const ask = async () => oauth.processIntrospectionResponse(as, client,
    await oauth.introspectionRequest(as, client, auth, next.access_token, insecure));
  const seen = await ask();
  await oauth.processRevocationResponse(
    await oauth.revocationRequest(as, client, auth, next.refresh_token, insecure));
  const after = await ask();
  return { type: got.token_type, name: person.name, refreshed: next.token_type,
    cnf: seen.cnf.jkt.length === 43, active: [seen.active, after.active] };
}

console.log(JSON.stringify(await { 'openid-client': openidClient, oauth4webapi }[which]()));
process.exit(0);
