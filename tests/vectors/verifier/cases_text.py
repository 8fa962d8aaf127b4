"""What is a token at all: its outer form, its base64url, its JSON."""
import json

from book import CLAIMS, HEADER, TYP, b64, claims, header, make, with_text
from jose import compact, sign_with


def add(book):
    shape(book)
    base64url(book)
    duplicates(book)
    strings(book)
    grammar(book)
    limits(book)
    accepted_json(book)


def of_size(size):
    """A token of exactly so many bytes."""
    for kid in ("es-1", "es\\u002d1"):
        head = with_text(header(kid=None), f'"kid":"{kid}"')
        rest = size - len(b64(compact(head))) - 2 - 86
        for pad in range(rest * 3 // 4 - len(compact(CLAIMS)) - 12, rest):
            body = {**CLAIMS, "x": "x" * max(pad, 0)}
            if len(b64(compact(body))) == rest:
                return make(head, body)
            if len(b64(compact(body))) > rest:
                break
    raise ValueError(size)


def shape(book):
    good = make()
    h, p, s = good.split(".")
    book.group("shape", "outer form", "RFC 7515 section 7.1: three parts and two dots")
    book.accept("good", "the token that the others spoil", good)
    book.accept("largest", "8192 bytes", of_size(8192))
    for name, title, text, code in (
            ("empty", "nothing at all", "", "malformed"),
            ("one-part", "no dot", "abc", "malformed"),
            ("two-parts", "header and payload only", f"{h}.{p}", "malformed"),
            ("no-signature", "an empty signature", f"{h}.{p}.", "malformed"),
            ("no-payload", "an empty payload (detached)", f"{h}..{s}", "malformed"),
            ("no-header", "an empty header", f".{p}.{s}", "malformed"),
            ("dots", "only dots", "..", "malformed"),
            ("leading-dot", "a dot in front", "." + good, "malformed"),
            ("trailing-dot", "a dot behind", good + ".", "malformed"),
            ("four-parts", "the signature twice", f"{good}.{s}", "malformed"),
            ("five-parts", "five parts, as JWE has", f"{h}.{p}.{s}.{p}.{s}", "malformed"),
            ("two-tokens", "two tokens with a comma", f"{good},{good}", "malformed"),
            ("flattened", "flattened JSON serialisation (RFC 7515 section 7.2.2)",
             json.dumps({"protected": h, "payload": p, "signature": s}), "malformed"),
            ("general", "general JSON serialisation (RFC 7515 section 7.2.1)",
             json.dumps({"payload": p, "signatures": [{"protected": h, "signature": s}]}),
             "malformed")):
        book.must(name, title, text, code)
    for name, title, text in (
            ("leading-blank", "a blank in front", " " + good),
            ("trailing-blank", "a blank behind", good + " "),
            ("trailing-newline", "a newline behind", good + "\n"),
            ("trailing-tab", "a tab behind", good + "\t"),
            ("blank-at-dot", "a blank beside a dot", f"{h}. {p}.{s}"),
            ("quoted", "in double quotes", f'"{good}"'),
            ("scheme", "the word Bearer left in front", "Bearer " + good),
            ("bom", "a byte order mark in front", "\ufeff" + good)):
        book.must(name, title, text, "malformed")
    book.strict("trailing-nul", "a NUL behind", good + "\0", "malformed", needs=["nul"])
    why = {"reason": "a bound before any work: decoding and parsing cost time per byte"}
    book.strict("over-8k", "8193 bytes", of_size(8193), "too_large", **why)
    book.strict("100k", "100,000 bytes", make(None, {**CLAIMS, "x": "x" * 74000}), "too_large",
                **why)


def signed_raw(h, p):
    """Parts as given, signed as given."""
    return make(("raw", h), ("raw", p))


def flip(text):
    """Another last character with the same decoded bytes, when there are unused bits."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    assert len(text) % 4 != 0
    return text[:-1] + alphabet[alphabet.index(text[-1]) | 1]


def base64url(book):
    h, p, s = make().split(".")
    padded = {n: next(b64(compact(claims(sub="a" * i))) for i in range(1, 9)
                      if len(b64(compact(claims(sub="a" * i)))) % 4 == n) for n in (0, 2, 3)}
    book.group("base64url", "one text for one value",
               "RFC 7515 sections 2 and 5.2: base64url without padding, and no line breaks, "
               "whitespace or other additional characters")
    for n, part in padded.items():
        book.accept(f"length-{n}", f"a payload of 4k + {n} characters", signed_raw(h, part))
    for i in range(400):
        text = make(None, claims(jti=f"j-{i}"))
        if "-" in text.split(".")[2] and "_" in text.split(".")[2]:
            break
    book.accept("url-alphabet", "a signature with both - and _", text)
    sig = text.split(".")[2]
    std = sig.replace("-", "+").replace("_", "/")
    book.must("standard-signature", "+ and / in the signature",
              text[:-len(sig)] + std, "malformed")
    body = claims(x="\u00ff\u00fe?>~\u00fb\u00ff~~")
    raw = next(b64(compact({**body, "y": "~" * i + "?>?"})) for i in range(9)
               if "_" in b64(compact({**body, "y": "~" * i + "?>?"}))
               or "-" in b64(compact({**body, "y": "~" * i + "?>?"})))
    book.must("standard-payload", "+ and / in the payload, signed so",
              signed_raw(h, raw.replace("-", "+").replace("_", "/")), "malformed")
    book.must("padding-signature", "padding on the signature", f"{h}.{p}.{s}==", "malformed")
    book.must("padding-signature-one", "one = on the signature", f"{h}.{p}.{s}=", "malformed")
    book.must("padding-payload", "padding on the payload, signed so",
              signed_raw(h, padded[2] + "=="), "malformed")
    head3 = next(b64(compact(header(x="a" * i))) for i in range(9)
                 if len(b64(compact(header(x="a" * i)))) % 4 == 3)
    book.must("padding-header", "padding on the header, signed so",
              signed_raw(head3 + "=", p), "malformed")
    for name, title, c in (("blank", "a blank", " "), ("newline", "a newline", "\n"),
                           ("return", "a carriage return and newline", "\r\n"),
                           ("tab", "a tab", "\t"),
                           ("exclamation", "an exclamation mark", "!"), ("percent", "%3D", "%3D"),
                           ("letter", "a letter beyond ASCII", "\u00e9")):
        book.must(f"{name}-signature", f"{title} inside the signature",
                  f"{h}.{p}.{s[:9]}{c}{s[9:]}",
                  "malformed")
        book.must(f"{name}-payload", f"{title} inside the payload, signed so",
                  signed_raw(h, p[:9] + c + p[9:]), "malformed")
    book.must("blank-header", "a blank inside the header, signed so",
              signed_raw(h[:8] + " " + h[8:], p), "malformed")
    book.must("length-1", "a signature of 4k + 1 characters", f"{h}.{p}.{s}AAA", "malformed")
    why = {"reason": "RFC 4648 section 3.5: unused bits may be refused. One value must have one "
                     "text, or a deny list of texts is no deny list"}
    book.strict("bits-signature", "unused bits set at the end of the signature",
                f"{h}.{p}.{flip(s)}", "malformed", **why)
    book.strict("bits-payload-2", "unused bits set at the end of the payload, signed so",
                signed_raw(h, flip(padded[2])), "malformed", **why)
    book.strict("bits-payload-3", "two unused bits set at the end of the payload, signed so",
                signed_raw(h, flip(padded[3])), "malformed", **why)
    book.strict("bits-header", "unused bits set at the end of the header, signed so",
                signed_raw(flip(head3), p), "malformed", **why)


def duplicates(book):
    book.group("json", "two parsers must not see two tokens",
               "RFC 7519 section 4, RFC 8725 section 2.4: parsers differ in which member counts",
               ["payload"])
    doubled = (
        ("alg", None, '"alg":"ES256"'), ("alg-none", None, '"alg":"none"'),
        ("kid", None, '"kid":"es-1"'), ("typ", None, f'"typ":"{TYP}"'))
    for name, _, text in doubled:
        book.strict(f"twice-header-{name}", f"the header holds {text} a second time",
                    make(with_text(HEADER, text)), "malformed")
    for name, text in (
            ("sub", '"sub":"root"'), ("sub-same", '"sub":"alice"'), ("aud", '"aud":"mail"'),
            ("iss", '"iss":"https://id.test/home"'), ("exp", '"exp":1700000400'),
            ("unknown", '"x":1,"x":1'), ("nested", '"act":{"sub":"a","sub":"b"}'),
            ("nested-twice", '"a":{"b":{"c":1,"c":2}}'), ("in-array", '"a":[{"b":1,"b":2}]'),
            ("empty-name", '"":1,"":2'), ("cnf", '"cnf":{"jkt":"A","jkt":"B"}')):
        book.strict(f"twice-{name}", f"the payload holds a member twice: {text}",
                    make(None, with_text(CLAIMS, text)), "malformed")
    # the member that is wrong stands first: who takes the last is safe, who takes the first is not
    body = '{"aud":"other","exp":1,' + json.dumps(CLAIMS, separators=(",", ":"))[1:]
    book.strict("twice-wrong-first", "wrong aud and exp first, good ones last", make(None, body),
                "malformed")
    why = {"reason": "names compared with or without their escapes undone give two tokens"}
    for name, text in (("aud", '"\\u0061ud":"other"'), ("unknown", '"\\u0078":1'),
                       ("nested", '"a":{"\\u0062":1}'), ("solidus", '"a\\/b":1')):
        book.strict(f"escaped-name-{name}", f"an escape in a member's name: {text}",
                    make(None, with_text(CLAIMS, text)), "malformed", **why)
    book.strict("escaped-name-only", "exp is spelled with an escape, and only so",
                make(None, with_text(claims(exp=None), '"\\u0065xp":1700000500')), "malformed",
                **why)
    book.strict("escaped-name-header", "alg is spelled with an escape in the header",
                make(with_text(header(alg=None), '"\\u0061lg":"ES256"')), "malformed", **why)


def strings(book):
    why = {"reason": "RFC 8259 section 8.1 and RFC 7519 section 3: JSON is UTF-8"}
    for name, title, data in (
            ("ff", "the byte FF", b"\xff"), ("overlong", "an overlong slash, C0 AF", b"\xc0\xaf"),
            ("overlong-3", "an overlong NUL, E0 80 80", b"\xe0\x80\x80"),
            ("surrogate", "a surrogate as ED A0 80", b"\xed\xa0\x80"),
            ("cut", "a character cut off, E2 82", b"\xe2\x82"),
            ("continuation", "a lone continuation byte", b"\x80"),
            ("beyond", "beyond U+10FFFF, F4 90 80 80", b"\xf4\x90\x80\x80"),
            ("latin1", "an e with acute in Latin-1", b"\xe9")):
        body = compact(claims(x="@")).replace(b"@", data)
        book.must(f"utf8-{name}", title, make(None, body), "malformed", **why)
    book.must("utf8-name", "bad UTF-8 in a member's name",
              make(None, compact(claims(x="@")).replace(b'"x"', b'"\xff"')), "malformed", **why)
    book.must("utf8-header", "bad UTF-8 in the header",
              make(compact(header(x="@")).replace(b"@", b"\xff")), "malformed", **why)
    book.must("utf16", "the payload in UTF-16",
              make(None, json.dumps(CLAIMS).encode("utf-16-le")), "malformed", **why)
    why = {"reason": "RFC 8259 section 8.2: a lone surrogate is unpredictable"}
    for name, text in (("high", "\\ud800"), ("low", "\\udc00"), ("swapped", "\\udc00\\ud800"),
                       ("high-high", "\\ud800\\ud800"), ("cut", "\\ud800x")):
        book.strict(f"surrogate-{name}", f"a lone surrogate: {text}",
                    make(None, with_text(CLAIMS, f'"x":"{text}"')), "malformed", **why)
    book.strict("surrogate-sub", "a lone surrogate in sub",
                make(None, with_text(claims(sub=None), '"sub":"\\ud800"')), "malformed", **why)
    why = {"reason": "RFC 8259 section 7: control characters must be escaped"}
    for name, c in (("newline", "\n"), ("nul", "\0"), ("tab", "\t"), ("us", "\x1f")):
        book.must(f"control-{name}", f"a bare control character {c!r} in a string",
                  make(None, with_text(CLAIMS, f'"x":"{c}"')), "malformed", **why)
    book.must("escape-unknown", "an escape that is none: \\x41",
              make(None, with_text(CLAIMS, '"x":"\\x41"')), "malformed", **why)
    book.must("escape-short", "an escape cut off: \\u00",
              make(None, with_text(CLAIMS, '"x":"\\u00"')), "malformed", **why)


def grammar(book):
    why = {"reason": "RFC 8259 section 2: not JSON"}
    for name, title, text in (
            ("trailing-comma", "a comma before the end", '"x":1,'),
            ("comment", "a comment", '/* x */"x":1'),
            ("line-comment", "a line comment", '"x":1//\n'),
            ("single-quotes", "single quotes", "'x':1"),
            ("bare-name", "a name without quotes", "x:1"),
            ("nan", "NaN", '"x":NaN'), ("infinity", "Infinity", '"x":Infinity'),
            ("plus", "a plus before a number", '"x":+1'),
            ("leading-zero", "a leading zero", '"x":01'),
            ("point-end", "a point at a number's end", '"x":1.'),
            ("point-front", "a point at a number's front", '"x":.5'),
            ("hex", "hexadecimal", '"x":0x10'),
            ("no-value", "no value", '"x":'), ("capital", "True", '"x":True'),
            ("no-comma", "no comma between members", '"x":1 "y":2'),
            ("vertical-tab", "a vertical tab between members", '\x0b"x":1')):
        book.must(f"grammar-{name}", title, make(None, with_text(CLAIMS, text)), "malformed", **why)
    body = json.dumps(CLAIMS, separators=(",", ":"))
    for name, title, text in (
            ("open", "the last brace is missing", body[:-1]),
            ("behind", "an object behind it", body + "{}"),
            ("nul-behind", "a NUL behind it", body + "\0"),
            ("brace-behind", "a brace too many", body + "}")):
        book.must(f"grammar-{name}", title, make(None, text), "malformed", **why)
    book.strict("grammar-bom", "a byte order mark in front", make(None, "\ufeff" + body),
                "malformed",
                reason="RFC 8259 section 8.1 lets parsers ignore it; one value has one text")
    why = {"reason": "RFC 7519 section 7.2: the claims set is a JSON object"}
    for name, title, text in (
            ("array", "the payload is an array of the claims", f"[{body}]"),
            ("empty-array", "the payload is an empty array", "[]"),
            ("string", "the payload is a string", '"x"'),
            ("number", "the payload is a number", "1"),
            ("null", "the payload is null", "null"), ("true", "the payload is true", "true"),
            ("blank", "the payload is a blank", " "),
            ("token", "the payload is another token, bare", make())):
        book.must(f"payload-{name}", title, make(None, text), "malformed", **why)
    head = json.dumps(HEADER, separators=(",", ":"))
    for name, text in (("array", f"[{head}]"), ("null", "null"), ("string", json.dumps(head))):
        book.must(f"header-{name}", f"the header is no object: {name}", make(text), "malformed",
                  **why)


def limits(book):
    why = {"reason": "a bound on depth and members: parsers are quadratic or recursive"}
    deep = '"x":' + "[" * 4 + "]" * 4
    book.strict("depth-5-arrays", "five levels", make(None, with_text(CLAIMS, deep)), "too_large",
                **why)
    book.strict("depth-5-objects", "five levels of objects",
                make(None, with_text(CLAIMS, '"x":{"a":{"b":{"c":{}}}}')), "too_large", **why)
    book.strict("depth-3000", "3,000 brackets",
                make(None, with_text(CLAIMS, '"x":' + "[" * 1500 + "]" * 1500)), "too_large", **why)
    book.strict("depth-header", "five levels in the header",
                make(with_text(HEADER, deep)), "too_large", **why)
    many = {f"m{i}": 1 for i in range(64 - len(CLAIMS))}
    book.strict("members-65", "65 members", make(None, {**CLAIMS, **many, "one-more": 1}),
                "too_large", **why)
    book.strict("members-array", "an array of 1,000 numbers",
                make(None, {**CLAIMS, "x": [1] * 1000}), "too_large", **why)
    book.accept("depth-4", "four levels", make(None, with_text(CLAIMS, '"x":[[[]]]')))
    book.accept("members-64", "64 members", make(None, {**CLAIMS, **many}))


def accepted_json(book):
    why = {"reason": "RFC 8259: good JSON, and RFC 7519 section 4: unknown claims are ignored"}
    body = json.dumps(CLAIMS)
    for name, title, text in (
            ("blanks", "blanks, tabs and line ends between the tokens of JSON",
             " \t\r\n" + json.dumps(CLAIMS, indent="\t").replace("\n", "\r\n") + "\n "),
            ("unicode", "an umlaut and an emoji in sub",
             json.dumps({**CLAIMS, "sub": "J\u00fcrgen \U0001f600"}, ensure_ascii=False)),
            ("escapes", "escapes in values", body.replace('"alice"', '"\\u0061lice\\/\\"\\\\"')),
            ("escaped-aud", "aud with an escape in its value",
             body.replace('"mail"', '"m\\u0061il"')),
            ("escaped-iss", "iss with escaped solidi", body.replace("/", "\\/")),
            ("pair", "a pair of surrogates by escapes",
             body.replace('"alice"', '"\\ud83d\\ude00"')),
            ("numbers", "numbers of all kinds in other claims",
             with_text(CLAIMS, '"x":[0,-0,1.5,1e3,-2E-2,9007199254740991]')),
            ("types", "other claims of all types",
             with_text(CLAIMS, '"a":null,"b":true,"c":false,"d":{},"e":[],"":""')),
            ("order", "members in another order", dict(reversed(CLAIMS.items()))),
            ("prefixed", "other claims whose names begin as known ones",
             with_text(CLAIMS, '"audience":"x","issuer":"y","expires":1,"au":1,"Exp":0'))):
        book.accept(f"good-{name}", title, make(None, text), **why)
    text = json.dumps(HEADER, indent=2)
    book.accept("good-header-blanks", "blanks in the header", make(text), **why)
    h, p = b64(compact(HEADER)), b64(compact(CLAIMS))
    assert make(("raw", h), ("raw", p)) == f"{h}.{p}." + b64(sign_with("es", f"{h}.{p}".encode()))
