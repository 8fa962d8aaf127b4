"""A gate's reports as the tests make them, and what a collector says of itself."""
import struct


def text16(data):
    data = data.encode() if isinstance(data, str) else data
    return struct.pack(">H", len(data)) + data


def alarm(token, when_ms, location="imap", address=b"\xc0\x00\x02\x07"):
    """The body of a POST to /alarms (src/wire/include/wire/report.h)."""
    signing_input, _, signature = token.rpartition(".")
    family = {0: 0, 4: 4, 16: 6}[len(address)]
    return (bytes([1]) + struct.pack(">qB", when_ms, family) + address + text16(location) +
            text16(signing_input) + text16(signature))


def batch(chain_id, seq, records, chain=0):
    """records: (type, time_ms, payload)."""
    body = bytes([1, chain]) + chain_id + struct.pack(">QH", seq, len(records))
    for kind, time_ms, payload in records:
        body += struct.pack(">Hq", kind, time_ms) + text16(payload)
    return body


def metrics(uri, http):
    """{name with labels: value} of what is served at uri/metrics."""
    lines = http("GET", uri + "/metrics").body.decode().splitlines()
    return {line.rsplit(" ", 1)[0].removeprefix("chancery_collector_"): float(line.rsplit(" ", 1)[1])
            for line in lines if line and not line.startswith("#")}
