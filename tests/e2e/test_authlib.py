"""Authlib, as Debian has it and as a web app uses it, through whole flows: discovery, code with
PKCE, the ID token by the published keys, userinfo, refresh, introspection, revocation."""
import urllib.parse

import pytest
from authlib.integrations.base_client import BaseApp, OAuth2Mixin, OAuthError, OpenIDMixin
from authlib.integrations.base_client.errors import MismatchingStateError
from authlib.integrations.base_client.framework_integration import FrameworkIntegration
from authlib.integrations.requests_client import OAuth2Session
from authlib.jose.errors import BadSignatureError, InvalidClaimError
from authlib.oauth2.rfc7523 import PrivateKeyJWT, private_key_jwt_sign
from cryptography.hazmat.primitives import serialization

from chancery import Signer, authority_of, claims_of
from people import Browser
from test_refresh import SECRET, client_add

ALICE = "alice@home.test"
CALLBACK = "http://127.0.0.1:4711/callback"
SCOPE = "openid profile email offline_access mail.read"
GRANTS = ("authorization_code", "refresh_token", "client_credentials")
METHODS = ("client_secret_basic", "client_secret_post", "private_key_jwt", "none")
SECRETS = {"client_secret_basic": SECRET, "client_secret_post": SECRET, "none": None}


class ShortLived(PrivateKeyJWT):
    """As in docs/CLIENT-AUTH.md: Authlib gives an assertion an hour."""

    def sign(self, auth, token_endpoint):
        return private_key_jwt_sign(auth.client_secret, auth.client_id, token_endpoint,
                                    alg=self.alg, expires_in=60)


class Kept(FrameworkIntegration):
    """What a web framework keeps for Authlib."""

    def __init__(self, name):
        super().__init__(name)
        self.session, self.updates = {}, []

    def update_token(self, token, refresh_token=None, access_token=None):
        self.updates.append((token, refresh_token))


class App(OAuth2Mixin, OpenIDMixin, BaseApp):
    """Authlib's own app for Flask (integrations/flask_client), without Flask."""
    client_cls = OAuth2Session

    def start(self, **more):
        """Where the browser is sent to."""
        told = self.create_authorization_url(CALLBACK, **more)
        url, state = told.pop("url"), told.pop("state")
        self.framework.set_state_data(self.framework.session, state,
                                      {"redirect_uri": CALLBACK, **told})
        return url

    def take(self, state, code=None, error=None, **_):
        """The tokens, and whose they are, for what the browser came back with."""
        if error:
            raise OAuthError(error)
        kept = self.framework.get_state_data(self.framework.session, state)
        self.framework.clear_state_data(self.framework.session, state)
        tokens = self.fetch_access_token(
            **self._format_state_params(kept, {"code": code, "state": state}))
        return tokens, self.parse_id_token(tokens, nonce=kept["nonce"]), kept["nonce"]

    def client(self):
        return self._get_oauth_client(**self.load_server_metadata())


@pytest.fixture(scope="module", name="authority")
def authority_fixture():
    with authority_of("authlib") as a:
        a.issuer = a.dev["realms"]["home"]["issuer"]
        a.key = Signer("x", "ES256", "app")
        secret = a.dir.parent / "secret"
        secret.write_text(SECRET)
        keys = a.dir.parent / "keys"
        keys.write_text(a.key.jwks())
        ways = {"none": ("--public",), "private_key_jwt": ("--auth", "private_key_jwt", "--jwks",
                                                           str(keys))}
        for method in METHODS:
            client_add(a, method, *ways.get(method, ("--auth", method, "--secret-file",
                                                     str(secret))),
                       scopes=SCOPE, grants=GRANTS if method != "none" else GRANTS[:2])
        yield a


def pem(signer):
    return signer.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                    serialization.NoEncryption())


def app_of(authority, method):
    secret = pem(authority.key) if method == "private_key_jwt" else SECRETS[method]
    return App(Kept(method), method, client_id=method, client_secret=secret,
               server_metadata_url=authority.issuer + "/.well-known/openid-configuration",
               client_auth_methods=[ShortLived(alg="ES256")],
               client_kwargs={"scope": SCOPE, "code_challenge_method": "S256",
                              "token_endpoint_auth_method": method,
                              "revocation_endpoint_auth_method": method, "trust_env": False})


@pytest.fixture(name="app", params=METHODS)
def app_fixture(request, authority):
    return app_of(authority, request.param)


def sign_in(authority, url, act="allow"):
    """What the person's browser brings back."""
    browser = Browser()
    page = browser.get(url)
    page = browser.submit(page, username=ALICE, password=authority.user(ALICE)["password"])
    if page.status == 200:
        page = browser.submit(page, act=act)
    base, answer = page.back()
    assert base == CALLBACK and answer["iss"] == authority.issuer
    return answer


def is_active(app, token):
    with app.client() as c:
        answer = c.introspect_token(app.server_metadata["introspection_endpoint"], token=token)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_person_comes_and_goes(authority, app):
    url = app.start()
    asked = dict(urllib.parse.parse_qsl(urllib.parse.urlparse(url).query))
    assert asked["code_challenge_method"] == "S256" and asked["nonce"] and asked["state"]
    tokens, who, nonce = app.take(**sign_in(authority, url))
    alice = authority.user(ALICE)["sub"]
    assert who["sub"] == alice and who["iss"] == authority.issuer and who["nonce"] == nonce
    assert tokens["token_type"] == "Bearer" and set(tokens["scope"].split()) == set(SCOPE.split())
    told = app.userinfo(token=tokens)
    assert (told.sub, told.name, told.email) == (alice, "Alice Home", ALICE)

    # an old access token: Authlib gets the next one before it asks
    app.userinfo(token={**tokens, "expires_at": 1})
    (fresh, before), = app.framework.updates
    assert before == tokens["refresh_token"] != fresh["refresh_token"]
    assert claims_of(fresh["access_token"])["jti"] != claims_of(tokens["access_token"])["jti"]
    assert app.parse_id_token(fresh, nonce=None)["sub"] == alice

    can_ask = app.name != "none"
    if can_ask:
        seen = is_active(app, fresh["access_token"])
        assert seen["active"] is True and (seen["sub"], seen["client_id"]) == (alice, app.name)
    with app.client() as c:
        gone = c.revoke_token(app.server_metadata["revocation_endpoint"],
                              token=fresh["refresh_token"], token_type_hint="refresh_token")
        assert gone.status_code == 200, gone.text
        with pytest.raises(OAuthError, match="invalid_grant"):
            c.refresh_token(app.server_metadata["token_endpoint"], fresh["refresh_token"])
    if can_ask:
        assert is_active(app, fresh["access_token"]) == {"active": False}
    assert app.get(app.server_metadata["userinfo_endpoint"], token=fresh).status_code == 401


@pytest.mark.parametrize("method", ["client_secret_basic", "private_key_jwt"])
def test_an_app_as_itself(authority, method):
    app = app_of(authority, method)
    tokens = app.fetch_access_token(grant_type="client_credentials", scope="mail.read")
    assert "refresh_token" not in tokens and "id_token" not in tokens
    assert claims_of(tokens["access_token"])["sub"] == method
    assert is_active(app, tokens["access_token"])["active"] is True
    app.client_secret = (pem(Signer("x", "ES256")) if method == "private_key_jwt"
                         else SECRET + "!")
    with pytest.raises(OAuthError, match="invalid_client"):
        app.fetch_access_token(grant_type="client_credentials", scope="mail.read")


def test_an_hours_assertion_is_told_what_is_wrong(authority):
    app = app_of(authority, "private_key_jwt")
    app.client_auth_methods = [PrivateKeyJWT(alg="ES256")]
    with pytest.raises(OAuthError, match="5 minutes ahead at most"):
        app.fetch_access_token(grant_type="client_credentials", scope="mail.read")


def test_both_sides_do_look(authority):
    """What they take from each other above, they take because it is right."""
    app = app_of(authority, "client_secret_basic")
    answer = sign_in(authority, app.start())
    with pytest.raises(MismatchingStateError):
        app.take(state="another", code=answer["code"])
    tokens, _, nonce = app.take(**answer)
    with pytest.raises(InvalidClaimError, match="nonce"):
        app.parse_id_token(tokens, nonce=nonce + "x")
    kid = app.server_metadata["jwks"]["keys"][0]["kid"]
    forged = Signer(authority.issuer, kid=kid).token({"typ": "JWT"}, aud=app.name, nonce=nonce)
    with pytest.raises(BadSignatureError):
        app.parse_id_token({**tokens, "id_token": forged}, nonce=nonce)
    another = sign_in(authority, app.start())["code"]
    for code in (another, answer["code"]):  # another's verifier; a second use
        with pytest.raises(OAuthError, match="invalid_grant"):
            app.fetch_access_token(CALLBACK, code=code, code_verifier="v" * 43)
    with pytest.raises(OAuthError, match="access_denied"):
        app.take(**sign_in(authority, app.start(prompt="consent"), act="deny"))
