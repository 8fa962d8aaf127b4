"""A part of `bench/run ledger`: how long after a token was given out the gate of the same host knows it:
by the log's own heads, and when the token is shown at once."""
import base64
import http.client
import time
import urllib.parse


class Host:
    """Kept connections to an issuer and its gate."""

    def __init__(self, dev, basic, form):
        issuer = urllib.parse.urlsplit(dev["base"])
        gate = urllib.parse.urlsplit(dev["gate"]["introspection_endpoint"])
        self.issuer = http.client.HTTPConnection("127.0.0.1", issuer.port, timeout=30)
        self.gate = http.client.HTTPConnection("127.0.0.1", gate.port, timeout=30)
        self.head = {"Content-Type": form, "Authorization": basic}
        secret = f"{dev['gate']['client_id']}:{dev['gate']['client_secret']}"
        self.ask_head = {"Content-Type": form,
                         "Authorization": "Basic " + base64.b64encode(secret.encode()).decode()}

    def token(self):
        self.issuer.request("POST", "/home/token", "grant_type=client_credentials&scope=mail.read",
                            self.head)
        answer = self.issuer.getresponse()
        body = answer.read()
        assert answer.status == 200, body
        return body.split(b'"access_token":"')[1].split(b'"')[0].decode()

    def active(self, token):
        self.gate.request("POST", "/introspect", urllib.parse.urlencode({"token": token}),
                          self.ask_head)
        return b'"active":true' in self.gate.getresponse().read()

    def size(self):
        """Of the log, as far as the gate has verified it."""
        self.gate.request("GET", "/metrics")
        text = self.gate.getresponse().read()
        return int(text.split(b"\nchancery_gate_log_size{")[1].split(b"\n")[0].split(b" ")[1])


def percentiles(name, seconds, against, figure):
    ms = sorted(s * 1000 for s in seconds)
    figure(f"{name}_p50", ms[len(ms) // 2], "ms", against)
    figure(f"{name}_p99", ms[len(ms) * 99 // 100], "ms", against)


def bench(dev, basic, form, quick, figure):
    host, fed, shown = Host(dev, basic, form), [], []
    for _ in range(20 if quick else 300):
        before = host.size()
        host.token()
        began = time.monotonic()
        while host.size() <= before:
            time.sleep(0.001)
        fed.append(time.monotonic() - began)
        time.sleep(0.02)
    for _ in range(20 if quick else 1000):
        token = host.token()
        began = time.monotonic()
        assert host.active(token), "a genuine token was refused"
        shown.append(time.monotonic() - began)
    percentiles("feed_lag", fed, "from a token's answer until the gate has its entry", figure)
    percentiles("feed_shown", shown, "the gate's answer to a token of this moment", figure)
