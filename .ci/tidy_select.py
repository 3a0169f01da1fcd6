# SPDX-License-Identifier: GPL-3.0-or-later
"""Which sources clang-tidy reads: changed ones, and for a changed header one source that includes it by its name.

With --preprocess: prints the preprocessed text of one source (the key of the cache)."""
import json
import os
import shlex
import subprocess
import sys


def commands(path):
    with open(path) as f:
        return {os.path.relpath(e["file"]): e for e in json.load(f)}


def preprocess(entry):
    words = shlex.split(entry["command"])
    out = words.index("-o")
    words[out + 1] = "-"
    words[words.index("-c")] = "-E"
    words = [w for w in words if "ccache" not in w]
    start = next(i for i, w in enumerate(words) if w.endswith("clang++"))
    text = subprocess.run(words[start:], cwd=entry["directory"], capture_output=True, check=False).stdout
    root = os.getcwd().encode()
    sys.stdout.buffer.write(text.replace(root, b""))


def main():
    if sys.argv[1] == "--preprocess":
        preprocess(commands(sys.argv[2])[sys.argv[3]])
        return
    known = commands(sys.argv[1])
    chosen = set()
    for changed in sys.argv[2:]:
        if changed in known:
            chosen.add(changed)
        elif changed.endswith(".h"):
            twin = changed[:-2] + ".cpp"
            if twin in known:
                chosen.add(twin)
    print("\n".join(sorted(chosen)))


main()
