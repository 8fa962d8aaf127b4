"""The whole way of a cosigned head: a log, `chancery log cosign`, two witnesses, and a gate whose policy
asks for both. One is not enough; no answer without them counts as a forgery."""
import os
import signal
import subprocess

from chancery import PROGRAM, wait_for
from logged import Issuer, Ledger, LogGate
from witness import NOBODY, Witness

URL = "https://login.test/home"


def test_two_of_two_at_a_gate(tmp_path):
    tmp_path.chmod(0o755)
    with Ledger(tmp_path / "ledger") as ledger:
        own = Issuer(URL, ledger.listen())
        (ledger.dir / "cosigned").mkdir()
        if os.geteuid() == 0:
            os.chown(ledger.dir / "cosigned", NOBODY, NOBODY)
        one, two = (Witness(str(tmp_path / name), f"{name}.test/1", [ledger.log.vkey()])
                    for name in ("one", "two"))
        one.start()
        asker = subprocess.Popen(
            [PROGRAM, "log", "cosign", "--folder", str(ledger.dir), "--every", "1", "--quorum", "1",
             *[a for w in (one, two) for a in ("--witness", f"{w.vkey}={w.url}")]],
            stderr=subprocess.PIPE, text=True)
        more = [f"witnesses: ['{one.vkey}', '{two.vkey}']", "quorum: 2", "witness_stale_s: 60"]
        known = own.token()
        ledger.publish()
        try:
            wait_for((ledger.dir / "cosigned/checkpoint").exists, what="a cosigned head")
            with LogGate(tmp_path / "gate", own, more=more) as gate:
                # what the gate has read passes; what it has not is not judged
                assert gate.active(known) and not gate.active(own.forged())
                assert gate.metric("forged_total") == 0 and gate.verdicts("log_stale") == 1
                two.start()
                wait_for(lambda: gate.active(own.forged()) or gate.metric("forged_total") > 0,
                         what="the second witness")
                assert not gate.active(own.forged()) and gate.active(own.token())
        finally:
            asker.send_signal(signal.SIGTERM)
            said = asker.communicate(timeout=60)[1]
            assert one.stop() == 0 and two.stop() == 0
        assert asker.returncode == 0, said
