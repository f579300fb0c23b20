"""Holds the verifier of docs/verify.md, and `beacon verify`, against a bundle and edits of it.

python3 check.py VERIFIER BUNDLE PUBLIC_KEY BEACON: the file that was taken out of the document, a bundle that
holds, its key, and the command.
"""

import copy
import importlib.util
import json
import random
import subprocess
import sys

RECEIPTS = 72
FLIPS = 150
# Of the edits that `beacon verify` is asked about; each takes a process of its own.
EVERY = 4


def loaded(path):
    spec = importlib.util.spec_from_file_location("verifier", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def other(value):
    """Something else of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value + 1
    if isinstance(value, str):
        return value[:-1] + ("1" if value[-1:] != "1" else "2")
    return "x"


def member_edits(value):
    """Each member at any depth: another value, none, or one more beside it."""
    for path, _ in paths(value):
        for change in (lambda at, key: at.__setitem__(key, other(at[key])), lambda at, key: at.pop(key)):
            edited = copy.deepcopy(value)
            at = edited
            for step in path[:-1]:
                at = at[step]
            change(at, path[-1])
            yield ".".join(map(str, path)), edited
    for path, inner in [((), value), *paths(value)]:
        if isinstance(inner, dict):
            edited = copy.deepcopy(value)
            at = edited
            for step in path:
                at = at[step]
            at["zz"] = None
            yield ".".join([*map(str, path), "zz"]), edited


def pair_edits(value):
    """Each object as a list of its pairs, which some readers take for one."""
    for path, inner in paths(value):
        if isinstance(inner, dict):
            edited = copy.deepcopy(value)
            at = edited
            for step in path[:-1]:
                at = at[step]
            at[path[-1]] = [[name, None] for name in inner] + [list(pair) for pair in inner.items()]
            yield ".".join([*map(str, path), "as pairs"]), edited


def paths(value, path=()):
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, member in inner:
        yield (*path, key), member
        if isinstance(member, (dict, list)):
            yield from paths(member, (*path, key))


def edits(bundle, canonical):
    lines = bundle.splitlines(keepends=True)
    draw = random.Random(2026)
    entry = draw.randrange(1, len(lines))
    for at in (0, entry):
        value = json.loads(lines[at])
        for name, value in [*member_edits(value), *pair_edits(value)]:
            line = canonical(value).encode() + b"\n"
            yield f"line {at + 1}: {name}", b"".join([*lines[:at], line, *lines[at + 1 :]])
    last = len(lines) - 1
    for name, order in [
        ("no line", []),
        ("the first line alone", [0]),
        ("no first line", range(1, last + 1)),
        ("the first line twice", [0, *range(last + 1)]),
        ("the last line left out", range(last)),
        ("the last line twice", [*range(last + 1), last]),
        ("two neighbours swapped", [0, 2, 1, *range(3, last + 1)]),
        ("the first and the last swapped", [0, last, *range(2, last), 1]),
        ("one in place of another", [0, 1, 1, *range(3, last + 1)]),
        ("the other way round", [0, *range(last, 0, -1)]),
        ("the first line last", [*range(1, last + 1), 0]),
    ]:
        yield name, b"".join(lines[at] for at in order)
    for name, behind in [("a line feed", b"\n"), ("a blank", b" "), ("an object", b"{}\n"), ("a nought", b"\0")]:
        yield f"{name} behind the end", bundle + behind
        yield f"{name} before the beginning", behind + bundle
    yield "a mark before the beginning", b"\xef\xbb\xbf" + bundle
    yield "no line feed at the end", bundle[:-1]
    yield "line ends of another system", bundle.replace(b"\n", b"\r\n")
    for name, old, new in [
        ("a blank", b'"sample":0', b'"sample": 0'),
        ("a number written otherwise", b'"temperature":0.1', b'"temperature":0.10'),
        ("a number with an exponent", b'"temperature":0.1', b'"temperature":1e-1'),
        ("a fraction of nothing", b'"sample":0', b'"sample":0.0'),
        ("less than nothing", b'"sample":0', b'"sample":-0'),
        ("an escape", b'"variant":"base"', b'"variant":"bas\\u0065"'),
        ("a name given twice", b'"sample":0', b'"sample":0,"sample":0'),
        ("a name given twice, the first another", b'"sample":0', b'"sample":1,"sample":0'),
    ]:
        assert old in bundle, name
        yield name, bundle.replace(old, new, 1)
    # Six bits of the last digit of 64 bytes in base64 are two; the others are slack.
    end = bundle.index(b'=="', bundle.index(b'"signature":"', len(lines[0])))
    digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    slack = digits[digits.index(bundle[end - 1]) ^ 1]
    yield "slack in base64", bundle[: end - 1] + bytes([slack]) + bundle[end:]
    yield "no padding in base64", bundle[:end] + bundle[end + 2 :]
    for _ in range(FLIPS):
        at, bit = draw.randrange(len(bundle)), draw.randrange(8)
        flipped = bytearray(bundle)
        flipped[at] ^= 1 << bit
        yield f"bit {bit} of byte {at} flipped", bytes(flipped)


def main(verifier, bundle_path, key, beacon):
    module = loaded(verifier)
    with open(bundle_path, "rb") as file:
        bundle = file.read()
    assert bundle.count(b"\n") == RECEIPTS + 1, "the bundle has not one line a receipt and one more"

    def beacon_takes(content):
        command = [beacon, "verify", "-", "--key", key]
        done = subprocess.run(command, input=content, capture_output=True, check=False)
        assert done.returncode in (0, 1), done.stderr.decode()
        return done.returncode == 0

    by_command = [sys.executable, verifier, bundle_path, key]
    assert subprocess.run(by_command, check=False).returncode == 0, "the verifier refuses the bundle"
    assert beacon_takes(bundle), "beacon verify refuses the bundle"
    # The key of the predecessor's test vector, of which anybody has the private half.
    stranger = "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="
    assert module.verify(bundle, [stranger]), "another key is taken"

    count, taken = 0, []
    for name, edited in edits(bundle, module.canonical):
        assert edited != bundle, f"no edit: {name}"
        if not module.verify(edited, [key]):
            taken.append(f"the verifier takes an edit: {name}")
        if count % EVERY == 0 and beacon_takes(edited):
            taken.append(f"beacon verify takes an edit: {name}")
        count += 1
    print("\n".join(taken) or f"{count} edits, and none is taken")
    return 1 if taken else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
