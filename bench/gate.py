"""`bench/run gate`: nginx in front of an API, without a gate, with one that checks every
signature, and with one that keeps verdicts. One nginx worker, 64 keep-alive connections of
wrk; the ways take turns, a figure is the median of the rounds."""
import contextlib
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import time
import urllib.error
import urllib.request

import verify_tokens

GOALS = {"gate_cached": (">=", 0.6)}
WAYS = {"open": "without auth", "cached": "its verdicts kept", "full": "every signature checked"}
SERVER = """
worker_processes 1; pid {root}/nginx.pid; error_log {root}/error.log warn; daemon off; {user}
events {{ worker_connections 2048; }}
http {{
  access_log off;
  client_body_temp_path {root}/t1; proxy_temp_path {root}/t2; fastcgi_temp_path {root}/t3;
  uwsgi_temp_path {root}/t4; scgi_temp_path {root}/t5;
  proxy_http_version 1.1; proxy_set_header Connection "";
  upstream api {{ server unix:{root}/api.sock; keepalive 64; }}
  upstream cached {{ server unix:{root}/cached/gate.sock; keepalive 64; }}
  upstream full {{ server unix:{root}/full/gate.sock; keepalive 64; }}
  server {{
    listen unix:{root}/api.sock; keepalive_requests 1000000;
    location / {{ default_type application/json;
      return 200 "{{\\"who\\":\\"$http_x_token_subject\\",\\"pad\\":\\"{pad}\\"}}"; }}
  }}
  server {{
    listen 127.0.0.1:{port}; keepalive_requests 1000000;
    location /open/ {{ proxy_pass http://api; }}
    {places}
  }}
}}
"""
PLACE = """
    location /{way}/ {{
      auth_request /_{way};
      auth_request_set $subject $upstream_http_x_token_subject;
      proxy_set_header X-Token-Subject $subject;
      proxy_set_header Authorization "";
      proxy_set_header Connection "";
      proxy_pass http://api;
    }}
    location = /_{way} {{
      internal;
      proxy_pass http://{way}/check/api;
      proxy_pass_request_body off;
      proxy_set_header Content-Length "";
      proxy_set_header Connection "";
      proxy_set_header X-Original-Method $request_method;
      proxy_set_header X-Original-URI $request_uri;
      proxy_set_header X-Client-Address $remote_addr;
      proxy_set_header X-Client-Cert "";
    }}
"""
POLICY = """
socket: {folder}/gate.sock
socket_mode: 0666
issuers:
  - issuer: {issuer}
    realm: enterprise
    jwks_file: {root}/ES256.jwks
    audiences: ['{audience}']
locations:
  api:
    audiences: ['{audience}']
    scopes: [mail.read]
    realms: [enterprise]
    binding: refused
cache:
  tokens: {tokens}
sightings:
  folder: {folder}/sightings
"""


def start_gate(release, root, way):
    folder = root / way
    folder.mkdir()
    (folder / "sightings").mkdir()
    policy = folder / "gate.yaml"
    policy.write_text(POLICY.format(folder=folder, root=root, issuer=verify_tokens.ISSUER,
                                    audience=verify_tokens.AUDIENCE,
                                    tokens=4096 if way == "cached" else 0), encoding="utf-8")
    with open(folder / "log", "w", encoding="utf-8") as log:
        process = subprocess.Popen([release / "chancery", "gate", "-c", policy], stdout=log,
                                   stderr=log)
    wait_until(lambda: (folder / "gate.sock").exists(), folder / "log")
    return process


def start_nginx(root, port):
    user = "user root;" if os.geteuid() == 0 else ""
    places = "".join(PLACE.format(way=way) for way in ("cached", "full"))
    (root / "nginx.conf").write_text(SERVER.format(root=root, port=port, user=user, pad="x" * 180,
                                                   places=places), encoding="utf-8")
    nginx = shutil.which("nginx") or "/usr/sbin/nginx"
    process = subprocess.Popen([nginx, "-p", root, "-c", root / "nginx.conf"],
                               stderr=subprocess.DEVNULL)
    wait_until(lambda: (root / "nginx.pid").exists(), root / "error.log")
    return process


def wait_until(there, log):
    for _ in range(400):
        if there():
            return
        time.sleep(0.025)
    raise SystemExit(f"bench: it did not start:\n{pathlib.Path(log).read_text()}")


def status(url, token=None):
    field = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=field)) as answer:
            return answer.status
    except urllib.error.HTTPError as refused:
        return refused.code


def check(base, token):
    """The gates do their work: a good token passes, a changed one and none at all do not."""
    changed = token[:-6] + ("AAAAAA" if token[-6:] != "AAAAAA" else "BBBBBB")
    for way in ("cached", "full"):
        seen = [status(f"{base}/{way}/x", t) for t in (token, changed, None)]
        if seen != [200, 401, 401]:
            raise SystemExit(f"bench: the {way} gate answers {seen}, not [200, 401, 401]")


def wrk(url, token, connections, seconds):
    out = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-H",
                          f"Authorization: Bearer {token}", url], check=True, text=True,
                         capture_output=True).stdout
    if "Non-2xx" in out:
        raise SystemExit(f"bench: {url} refused a good token under load")
    number, unit = re.search(r"50%\s+([\d.]+)(us|ms|s)", out).groups()
    return {"rate": float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1)),
            "p50_us": float(number) * {"us": 1, "ms": 1e3, "s": 1e6}[unit]}


@contextlib.contextmanager
def servers(release, root, port):
    processes = []
    try:
        for way in ("cached", "full"):
            processes.append(start_gate(release, root, way))
        processes.append(start_nginx(root, port))
        yield f"http://127.0.0.1:{port}"
    finally:
        for process in reversed(processes):
            process.send_signal(signal.SIGTERM)
        for process in processes:
            process.wait(20)


def why_not():
    if not (shutil.which("nginx") or os.path.exists("/usr/sbin/nginx")):
        return "nginx is not installed"
    return None if shutil.which("wrk") else "wrk is not installed"


def measure(base, token, rounds, seconds):
    load = {way: [] for way in WAYS}
    alone = {way: [] for way in WAYS}
    for way in WAYS:
        wrk(f"{base}/{way}/x", token, 64, 1)
    for _ in range(rounds):
        for way in WAYS:
            load[way].append(wrk(f"{base}/{way}/x", token, 64, seconds)["rate"])
            alone[way].append(wrk(f"{base}/{way}/x", token, 1, 1)["p50_us"])
    return ({way: statistics.median(x) for way, x in load.items()},
            {way: statistics.median(x) for way, x in alone.items()})


def bench(release, root, port, quick, figure, say):
    """Measures and reports; root is an empty folder."""
    if why_not():
        say(f"the gate behind nginx is left out: {why_not()}")
        return
    verify_tokens.write(root)
    token = (root / "ES256.tok").read_text(encoding="ascii").strip()
    with servers(release, root, port) as base:
        check(base, token)
        load, alone = measure(base, token, 1 if quick else 5, 1 if quick else 4)
    for way, text in WAYS.items():
        figure(f"gate_{way}", load[way], "per s", f"nginx without auth; {text}",
               load[way] / load["open"])
        figure(f"gate_{way}_p50", alone[way], "µs", "one connection", alone[way] / alone["open"])
