"""Writes authorization.json beside this file, with Python's own base64 as the independent party.

Run it as `python3 authorization.py` after changing the list of vectors; the file it writes is checked in.
"""

import base64
import json
import pathlib
import string

FILLER = "placeholder-key-" + string.digits + string.ascii_letters
PRINTABLE = "".join(chr(code) for code in range(0x21, 0x7F))


def row(name, user, key):
    pair = f"{user}:{key}"
    encoded = base64.b64encode(pair.encode("ascii")).decode("ascii")
    return {
        "name": name,
        "user": user,
        "key": key,
        "pair": pair,
        "base64": encoded,
        "header": f"Basic {encoded}",
    }


def encoder_row(name, user, password):
    encoded = base64.b64encode(f"{user}:{password}".encode("utf-8")).decode("ascii")
    return {
        "name": name,
        "user": user,
        "password": password,
        "base64": encoded,
        "header": f"Basic {encoded}",
    }


def filler(length):
    return (FILLER * (length // len(FILLER) + 1))[:length]


def vectors():
    yield row("the placeholder of the vendor's examples", "API", "1234567890")
    yield row("the other user name of the vendor's examples", "X", "1234567890")
    yield row("32 characters", "X", filler(32))
    yield row("40 characters", "API", filler(40))
    for length in range(1, 31):
        yield row(f"a key of {length} bytes", "API", filler(length))
    for length in range(0, 10):
        yield row(f"a user name of {length} bytes", "integration"[:length], "placeholder-key")
    yield row("an empty user name and a key of one byte", "", "1")
    yield row("a space inside of the user name", "a b", "placeholder-key")
    yield row("a user name of spaces", "  ", "placeholder-key")
    yield row(
        "every printable byte but the colon in the user name",
        "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != ":"),
        "placeholder-key",
    )
    yield row("a user name of 255 bytes", filler(255), "placeholder-key")
    yield row("every printable byte in the key", "API", "k" + PRINTABLE)
    yield row("every printable byte in the key, backwards", "API", PRINTABLE[::-1])
    for length in (511, 512):
        for user in ("", "X", "API"):
            yield row(f"a key of {length} bytes, user name {user!r}", user, filler(length))
    yield row("a colon first in the key", "API", ":placeholder")
    yield row("a colon last in the key", "API", "placeholder:")
    yield row("a colon inside of the key", "API", "placeholder:key")
    yield row("a key of colons alone", "X", ":::")
    yield row("a colon in the key of an empty user name", "", "a:b")
    yield row("plus signs in the output", "X", "a>>>>>>b~~~~~~")
    yield row("slashes in the output", "X", "a??????b??????")
    yield row("plus, slash and one padding sign", "X", "a>~?b>~?cd")
    yield row("plus, slash and two padding signs", "X", "a>~?b>~?c")
    yield row("plus, slash and no padding sign", "X", "a>~?b>~?cde")
    yield row("the base64 alphabet's own signs in the key", "API", "+/=+/=+/=")
    yield row("percent signs, which nobody decodes", "API", "placeholder%3Akey%00")
    for byte in PRINTABLE:
        yield row(f"the byte 0x{ord(byte):02X} inside of the key", "API", f"k{byte}y")


def main():
    lines = {
        "vectors": list(vectors()),
        "encoder_only": [
            encoder_row("RFC 7617 section 2", "Aladdin", "open sesame"),
            encoder_row("RFC 7617 section 2.1, pound sign in UTF-8", "test", "123\u00a3"),
            encoder_row("an empty pair", "", ""),
            encoder_row("an empty password", "API", ""),
            encoder_row("three and four bytes a character", "\u20ac", "\U0001f511"),
        ],
    }
    head = {
        "about": "HTTP Basic authorization: a user name and a key, and the header that they make.",
        "format": "vectors: user and key are ASCII text; pair is what is encoded; base64 is RFC 4648 "
        "section 4 with padding; header is the whole value of Authorization. encoder_only: user and "
        "password are encoded as UTF-8; these passwords are no keys (space, not ASCII, empty) and are "
        "for the bare encoder.",
        "source": "RFC 7617 section 2; RFC 4648 section 4; developers.activeprospect.com/docs/authentication",
        "made_by": "authorization.py, with Python's base64",
    }
    out = "{\n"
    for name, value in head.items():
        out += f"  {json.dumps(name)}: {json.dumps(value)},\n"
    for number, (name, rows) in enumerate(lines.items()):
        out += f"  {json.dumps(name)}: [\n"
        out += ",\n".join(f"    {json.dumps(one)}" for one in rows)
        out += "\n  ]" + (",\n" if number + 1 < len(lines) else "\n")
    out += "}\n"
    pathlib.Path(__file__).with_name("authorization.json").write_text(out, encoding="ascii")


if __name__ == "__main__":
    main()
