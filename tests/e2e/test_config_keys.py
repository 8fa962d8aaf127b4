"""Every key of a configuration file that a document or a manual page names is one that its parser
knows, in the place where it is shown; and each key of chancery.yaml is told of somewhere."""
import re

import pytest

from chancery import ROOT

pytestmark = pytest.mark.plain("reads documents and the parsers' tables")

FILES = {"chancery.yaml": "authority.c", "gate.yaml": "gate_file.c",
         "coredump.yaml": "coredump_file.c", "witness.yaml": "witness_file.c"}
# a dotted name that is none of a configuration: a file, a member of dev.json, of a claim
ELSE = {"log.vkey", "log.url", "log.conf", "refresh.key", "client.json", "keys.json"}
TEXTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("contrib/*/README.md")]
PAGES = sorted(ROOT.glob("man/*.1"))


def tables_of(source):
    """{table: [(key, kind, table of the items)]} as the parser has them"""
    text = (ROOT / "src/config" / source).read_text()
    text = text.replace("SECONDS(", "FIELD_NUMBER, (").replace("{ NUMBER(", '{ "')
    text = re.sub(r'(\{ "\w+)\)', r'\1", FIELD_NUMBER', text)
    found = {}
    for name, body in re.findall(r"struct field (\w+)\[\] = \{\n(.*?)\n\};", text, re.S):
        rows = re.findall(r'\{ "(\w*)", (FIELD_\w+)(.*?)\},?\n', body + "\n", re.S)
        found[name] = [(key, kind, (re.findall(r"\.item = (\w+)", rest) or [None])[0])
                       for key, kind, rest in rows]
    return found


def paths(tables, table="file_fields", before=()):
    """{path of a key}; '*' where a name of one's own stands"""
    found = set()
    for key, kind, item in tables[table]:
        here = before + ((key,) if key else ())
        found.add(here)
        if kind == "FIELD_MAP":
            here += ("*",)
            found.add(here)
        if item:
            found |= paths(tables, item, here)
    return found


SCHEMAS = {name: paths(tables_of(source)) for name, source in FILES.items()}


def is_key(path, schema):
    return any(len(path) == len(known) and all(k in ("*", p) for p, k in zip(path, known))
               for known in schema)


def shown(block):
    """[path] of the keys that a piece of YAML shows, flow maps included; a line of comment that is
    a key that could be there counts like one"""
    open_, found = [], []
    for line in block.splitlines():
        m = re.match(r"( *)(?:# )?( *(?:- )?)([A-Za-z_][\w-]*): ?(.*)$", line)
        if not m:
            continue
        indent, key = len(m[1]) + len(m[2]), m[3]
        open_ = [(i, k) for i, k in open_ if i < indent] + [(indent, key)]
        path = tuple(k for _, k in open_)
        found.append(path)
        flow = re.match(r"\{(.*?)\}", m[4])
        found += [path + (k,) for k in re.findall(r"(\w+):", flow[1])] if flow else []
    return found


def fits(found, schema):
    """A piece may begin anywhere: below one and the same section."""
    starts = {()} | {known[:i] for known in schema for i in range(1, len(known) + 1)}
    return any(all(is_key(start + path, schema) for path in found) for start in starts)


def blocks():
    for document in TEXTS:
        for i, block in enumerate(re.findall(r"```yaml\n(.*?)```", document.read_text(), re.S)):
            yield pytest.param(block, id=f"{document.relative_to(ROOT)}-{i + 1}")


@pytest.mark.parametrize("block", blocks())
def test_a_piece_of_yaml_has_keys_that_there_are(block):
    found = shown(block)
    assert found and any(fits(found, schema) for schema in SCHEMAS.values()), found


def test_dotted_names_are_keys():
    sections = {path[0] for schema in SCHEMAS.values() for path in schema}
    named = set()
    for page in PAGES:
        named |= {(page.name, n) for n in re.findall(r"^\.Ic ([a-z_]+(?:\.[a-z_]+)+)",
                                                     page.read_text(), re.M)}
    for path in TEXTS:
        named |= {(path.name, n) for n in re.findall(r"`([a-z_]+(?:\.[a-z_]+)+)\b[^`]*`",
                                                     path.read_text())}
    for path in (ROOT / "src/cli").glob("*.c"):
        named |= {(path.name, n) for n in re.findall(r"([a-z_]+\.[a-z_]+) of chancery\.yaml",
                                                     path.read_text())}
    ours = {(where, n) for where, n in named if n.split(".")[0] in sections and n not in ELSE}
    assert ("chancery-log.1", "log.journal_days") in ours
    for where, name in sorted(ours):
        path = tuple(name.split("."))
        anywhere = any(is_key(path, s) or is_key((path[0], "x") + path[1:], s)
                       for s in SCHEMAS.values())
        assert anywhere or (where == "ALARMS.md" and "dev.json" in
                            (ROOT / "docs/ALARMS.md").read_text() and name == "collector.uri"), \
            f"{where}: {name}"


def test_names_that_end_in_a_unit_are_keys():
    """`keep_days`, `stale_s`, …: nothing else in the documents looks so, but these."""
    others = {"ch_jwks_timeout_ms",       # of the library
              "first_ms", "last_ms",      # of a sighting, as --json has it
              "keys_look_s"}              # of the library
    last = {path[-1] for schema in SCHEMAS.values() for path in schema}
    for path in [*TEXTS, *PAGES]:
        for name in re.findall(r"`([a-z]+(?:_[a-z]+)*_(?:s|ms|us|mb|days))`", path.read_text()):
            assert name in last | others, f"{path.name}: {name}"


def test_each_key_of_the_authority_is_told_of():
    """In a document, or in the comments of the chancery.yaml that `init` writes."""
    told = "\n".join(p.read_text() for p in [*TEXTS, *PAGES, ROOT / "src/config/write.c"])
    for key in {path[-1] for path in SCHEMAS["chancery.yaml"]} - {"*"}:
        assert re.search(rf"\b{key}\b", told), key


def test_the_test_would_find_another_name():
    assert ("log", "journal_days") in SCHEMAS["chancery.yaml"]
    assert not fits([("log",), ("log", "keep_days")], SCHEMAS["chancery.yaml"])
    assert not any(fits(shown("collector:\n  compromised: off\n"), s) for s in SCHEMAS.values())
    assert fits(shown("collector:\n  gates:\n    m: {secret_file: x}\n"), SCHEMAS["chancery.yaml"])
