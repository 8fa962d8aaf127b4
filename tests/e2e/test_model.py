"""One plain model of what people, applications and administrators may do to each other, beside a
real authority: random sequences of sign-ins, codes, refreshes, retries, thefts, revocations,
switching off and on, time that passes, and processes that are killed. No difference is allowed."""
import http.client
import os
import pathlib
import random
import signal
import subprocess
import tempfile
import threading
import time

import pytest

from chancery import PROGRAM, basic, children_of, claims_of, name_of, wait_for
from people import Browser
from test_issuer import post, redeem, request
from test_refresh import SECRET, Production, answers, client_add, refresh, store
from test_revoke import revoke

pytestmark = pytest.mark.root_only
SCOPE = "openid offline_access mail.read"
APPS = ("app", "server")  # one that can keep no secret, one that can
WINDOW, CODE_TTL = 60, 60
WALKS, STEPS = 20, 1500  # of the long form
LOST = (OSError, http.client.HTTPException)


class World(Production):
    """The authority, and the ways to hurt it."""

    def __init__(self, folder):
        super().__init__(folder)
        for name, secret in (("server", SECRET), ("watcher", SECRET)):
            (self.dir / name).write_text(secret)
            client_add(self, name, "--secret-file", str(self.dir / name))
        for name in ("ann", "ben"):
            self.run("user", "add", "--realm", "home", "--username", name, "--password-file", "-",
                     given=f"a password of {name}'s\n")
        self.process = None
        self.home = self.dev["realms"]["home"]

    def start(self):
        """Until it says so: a role that dies before ends the start."""
        path = pathlib.Path(f"{self.dir}.log")
        with open(path, "wb") as log:
            self.process = subprocess.Popen([PROGRAM, "serve", str(self.dir)], stderr=log)
        wait_for(lambda: ' "ready"' in path.read_text(), 180, "its start")

    def stop(self):
        self.process.terminate()
        ended = self.process.wait(60)
        assert ended == 0, (ended, self.log_text()[-3000:])

    def log_text(self):
        return pathlib.Path(f"{self.dir}.log").read_text()

    def ready(self):
        try:
            wait_for(lambda: answers(self.home["jwks_uri"]), 60, "an issuer")
        except AssertionError:
            print(self.log_text()[-6000:])
            raise

    def pids(self, role):
        """Of all that hang on it: a signer is its warden's child."""
        found, left = [], [self.process.pid]
        while left:
            left += children_of(left.pop())
            found += left
        return {p for p in found if name_of(p) == role}

    def kill(self, role):
        """kill -9; those of other groups too. Returns when they are gone."""
        for pid in self.pids(role):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            wait_for(lambda pid=pid: name_of(pid) != role, 60, "its death")


class Grant:
    def __init__(self, person, app, answer):
        self.person, self.app, self.tokens, self.access = person, app, [], []
        self.age = 0       # by how much its clock is ahead
        self.over = False  # revoked
        self.ended_by = None
        self.past = False  # too old; what access tokens do then is no matter of its own
        self.take(answer)

    def take(self, answer):
        token = answer["refresh_token"]
        if token not in self.tokens:
            self.tokens.append(token)
            self.rotated = self.now()
        assert token == self.tokens[-1]
        self.access.append((answer["access_token"], claims_of(answer["access_token"])["iat"]))

    def now(self):
        return time.time() + self.age


class Code:
    def __init__(self, person, app, text):
        self.person, self.app, self.text = person, app, text
        self.spent, self.gone, self.made, self.grant = False, False, time.time(), None

    def sure(self):
        """Neither about to be past nor past."""
        return time.time() < self.made + CODE_TTL - 10


class Party:
    """A person or an application."""

    def __init__(self, name):
        self.name, self.on, self.browser = name, True, None
        # an earlier walk may have ended something within this second
        self.ended = (0, int(time.time()))  # tokens of the first second or before are dead, after the second not


class Walk:
    def __init__(self, world, seed):
        self.world, self.home, self.rng, self.seed = world, world.home, random.Random(seed), seed
        self.people = {n: Party(n) for n in ("ann", "ben")}
        self.apps = {n: Party(n) for n in APPS}
        self.grants, self.codes, self.dead, self.log = [], [], set(), []

    # --- what is asked ---

    def patiently(self, ask, *args, **kw):
        """Who is told to come again does; nothing may have happened by then."""
        until = time.monotonic() + 60
        while True:
            r = ask(*args, **kw)
            if r.status != 503 or time.monotonic() > until:
                return r
            assert r.headers["Retry-After"]
            time.sleep(0.05)

    def who(self, app):
        return ({"client_id": "app"} if app == "app" else
                {"client_id": None, "headers": {"Authorization": basic(app, SECRET)}})

    def redeem(self, code):
        return redeem(self.home, code.text, redirect_uri="http://127.0.0.1/callback",
                      **self.who(code.app.name))

    def refresh(self, token, app):
        return refresh(self.home, token, **self.who(app))

    def active(self, token):
        r = self.patiently(post, self.home["issuer"] + "/introspect", {"token": token},
                           {"Authorization": basic("watcher", SECRET)})
        assert r.status == 200, r.body
        return r.json()["active"]

    def refused(self, r, error, status=400):
        assert (r.status, r.json()["error"]) == (status, error), (r.status, r.body)

    # --- what follows ---

    def end(self, of, since):
        """A party's tokens and grants until now."""
        of.ended = (since, int(time.time()))
        for g in self.grants:
            g.over = g.over or of in (g.person, g.app)
        if of.name in self.people:
            of.browser = None
            for c in self.codes:
                c.gone = c.gone or c.person is of

    def alive(self, g, token, iat):
        """None: it cannot be said."""
        if g.over or token in self.dead or not (g.person.on and g.app.on):
            return False
        if any(iat <= p.ended[0] for p in (g.person, g.app)):
            return False
        return None if any(iat <= p.ended[1] for p in (g.person, g.app)) else True

    # --- the acts ---

    def act_code(self):
        person, app = (self.rng.choice(list(d.values())) for d in (self.people, self.apps))
        asked = request(client_id=app.name, scope=SCOPE, redirect_uri="http://127.0.0.1/callback")
        b = person.browser or Browser()
        page = self.patiently(b.get, self.home["authorization_endpoint"], **asked)
        if not app.on:
            assert page.status == 400, page.text
            return
        if not person.browser:
            assert 'type="password"' in page.text
            if not person.on:
                return
            page = self.patiently(b.submit, page, username=person.name,
                                  password=f"a password of {person.name}'s")
            person.browser = b
        if page.status == 200:
            page = self.patiently(b.submit, page, act="allow")
        self.codes.append(Code(person, app, page.back()[1]["code"]))

    def act_redeem(self):
        fresh = [c for c in self.codes if c.sure() and not c.spent]
        if not fresh or self.rng.random() < 0.2:
            self.act_code()
            fresh = [c for c in self.codes if c.sure() and not c.spent]
        if fresh:
            self.show_code(self.rng.choice(fresh))

    def act_redeem_again(self):
        spent = [c for c in self.codes if c.sure() and c.spent]
        if spent:
            self.show_code(self.rng.choice(spent))

    def show_code(self, c):
        r = self.patiently(self.redeem, c)
        if not c.app.on:
            self.refused(r, "invalid_client", 401)
        elif c.gone or c.spent:
            self.refused(r, "invalid_grant")
            if c.grant and not c.gone:
                c.grant.over = True
        else:
            assert r.status == 200, r.body
            c.spent, c.grant = True, Grant(c.person, c.app, r.json())
            self.grants.append(c.grant)

    def show(self, g, i, app=None):
        """Its i-th refresh token; what must come of it."""
        last, now = len(g.tokens) - 1, g.now()
        if i == last - 1 and abs(now - g.rotated - WINDOW) < 5:
            return  # neither in the window nor out of it for sure
        r = self.patiently(self.refresh, g.tokens[i], app or g.app.name)
        if not self.apps[app or g.app.name].on:
            self.refused(r, "invalid_client", 401)
        elif g.over or g.past:
            self.refused(r, "invalid_grant")
        elif app or i < last - 1 or (i == last - 1 and now > g.rotated + WINDOW):
            self.refused(r, "invalid_grant")
            g.over = True
        else:
            assert r.status == 200, r.body
            g.take(r.json())
            assert len(g.tokens) == max(last, i + 1) + 1

    def some(self):
        if not self.grants or self.rng.random() < 0.1:
            self.act_redeem()
        return self.rng.choice(self.grants[-12:]) if self.grants else None

    def act_refresh(self):
        if g := self.some():
            self.show(g, len(g.tokens) - 1)

    def act_retry(self):
        if g := self.some():
            self.show(g, max(len(g.tokens) - 2, 0))

    def act_old(self):
        if g := self.some():
            self.show(g, self.rng.randrange(len(g.tokens)))

    def act_other(self):
        if g := self.some():
            self.show(g, len(g.tokens) - 1, "app" if g.app.name == "server" else "server")

    def act_later(self):
        if g := self.some():
            seconds = self.rng.choice((10, 70, 70, 31 * 86400))
            store(self.world, "UPDATE grants SET rotated = rotated - ?, created = created - ?,"
                  " expires = expires - ? WHERE id = ?", seconds, seconds, seconds,
                  g.tokens[0].split(".")[1])
            g.age += seconds
            g.past = g.past or seconds > 86400

    def act_give_back(self):
        g = self.some()
        if not g or g.past or not g.app.on:
            return
        who, (access, _) = self.who(g.app.name), self.rng.choice(g.access)
        whole = self.rng.random() < 0.5
        r = self.patiently(revoke, self.home, g.tokens[-1] if whole else access, **who)
        assert r.status == 200, r.body
        if whole:
            g.over = True
        else:
            self.dead.add(access)

    def act_command_grant(self):
        g = self.some()
        if g and not g.past:
            self.world.run("revoke", "--realm", "home", "--grant", g.tokens[0].split(".")[1])
            g.over = True

    def act_command_party(self):
        of = self.rng.choice([*self.people.values(), *self.apps.values()])
        since = int(time.time())
        self.world.run("revoke", "--realm", "home",
                       "--user" if of.name in self.people else "--client", of.name)
        self.end(of, since)

    def act_switch(self):
        parties = [*self.people.values(), *self.apps.values()]
        of = next((p for p in parties if not p.on), self.rng.choice(parties))
        kind, name = (("user", "--username") if of.name in self.people else ("client", "--id"))
        since = int(time.time())
        self.world.run(kind, "disable" if of.on else "enable", "--realm", "home", name, of.name)
        if of.on:
            self.end(of, since)
        of.on = not of.on

    def act_kill_signer(self):
        self.world.kill("chancery-signer")

    def act_kill_issuer(self):
        self.world.kill("chancery-issuer")
        self.world.ready()

    def act_restart(self):
        self.world.stop()
        self.world.start()

    def killed_during(self, ask, *args):
        """The answer, or None: it was lost."""
        got = []

        def one():
            try:
                got.append(ask(*args))
            except LOST:
                pass
        thread = threading.Thread(target=one)
        thread.start()
        time.sleep(self.rng.random() * 0.006)
        self.act_kill_issuer()
        thread.join()
        return got[0] if got and got[0].status != 503 else None

    def act_killed_refresh(self):
        g = self.some()
        if not g or g.over or g.past or not g.app.on:
            return
        r = self.killed_during(self.refresh, g.tokens[-1], g.app.name)
        if r:
            assert r.status == 200, r.body
            g.take(r.json())
        # what went out is durable; what was lost is asked for again
        self.show(g, len(g.tokens) - 1)

    def act_killed_redeem(self):
        self.act_code()
        c = self.codes[-1] if self.codes else None
        if not c or c.spent or c.gone or not c.sure() or not c.app.on:
            return
        r = self.killed_during(self.redeem, c) or self.patiently(self.redeem, c)
        c.spent = True
        if r.status == 200:
            c.grant = Grant(c.person, c.app, r.json())
            self.grants.append(c.grant)
        else:  # it was spent for an answer that was lost, and that grant has ended now
            self.refused(r, "invalid_grant")

    def act_killed_give_back(self):
        g = self.some()
        if not g or g.over or g.past or not g.app.on:
            return
        who = self.who(g.app.name)
        self.killed_during(lambda: revoke(self.home, g.tokens[-1], **who))
        assert self.patiently(revoke, self.home, g.tokens[-1], **who).status == 200
        g.over = True

    # --- the walk ---

    ACTS = {"redeem": 8, "redeem_again": 1, "refresh": 14, "retry": 6, "old": 1, "other": 0.5,
            "later": 4, "give_back": 2, "command_grant": 0.5, "command_party": 0.4, "switch": 1.2,
            "kill_signer": 1.5, "kill_issuer": 1, "killed_refresh": 1, "killed_redeem": 1,
            "killed_give_back": 0.6, "restart": 0.3}

    def look(self):
        """Some tokens, as a relying party sees them."""
        for g in self.rng.sample(self.grants, min(len(self.grants), 2)):
            token, iat = self.rng.choice(g.access)
            want = self.alive(g, token, iat)
            if want is not None and not g.past:
                assert self.active(token) is want, (want, iat, vars(g), vars(g.person), vars(g.app))

    def step(self):
        act = self.rng.choices(list(self.ACTS), list(self.ACTS.values()))[0]
        self.log.append(act)
        getattr(self, "act_" + act)()
        for g in self.grants:
            g.ended_by = g.ended_by or (g.over and f"{act} at {len(self.log)}")
        self.look()

    def run(self, steps, progress=lambda said: None):
        try:
            for i in range(steps):
                if i % 50 == 0:
                    progress(f"step {i} of {steps}, seed {self.seed}")
                self.step()
            # at the end: all of it once more
            for g in self.grants[-40:]:
                self.log.append("last look")
                self.show(g, len(g.tokens) - 1)
        except BaseException:
            print(f"seed {self.seed}, step {len(self.log)}: {' '.join(self.log[-12:])}")
            raise
        finally:
            for party, kind, name in ([(p, "user", "--username") for p in self.people.values()]
                                      + [(p, "client", "--id") for p in self.apps.values()]):
                if not party.on:
                    self.world.run(kind, "enable", "--realm", "home", name, party.name)


@pytest.fixture(scope="module", name="world")
def world_fixture():
    with tempfile.TemporaryDirectory(prefix="chancery-model-") as folder:
        os.chmod(folder, 0o711)
        world = World(folder + "/authority")
        world.start()
        try:
            yield world
        finally:
            world.stop()


@pytest.mark.plain("needs the pace of a plain build")
def test_all_as_the_model_says(world):
    Walk(world, random.randrange(1 << 32)).run(60)


@pytest.mark.soak
@pytest.mark.parametrize("n", range(WALKS))
def test_all_as_the_model_says_for_long(world, n, progress):
    Walk(world, random.randrange(1 << 32)).run(STEPS, progress)
    print(f"{STEPS} steps, no difference")
