# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of broken inputs: every one must end with the right exit status and a sentence that names the file or value.

Usage: broken_inputs.py ORRERY SOURCE_TREE FIXTURE_PLUGINS [NAME...]
Run by ctest on the built program, and in CI on a build with the address and undefined-behaviour sanitizers."""
import io
import json
import os
import pathlib
import pickle
import shutil
import sqlite3
import struct
import subprocess
import sys
import tempfile
import zipfile

ORRERY, TREE, FIXTURES = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
TINY = TREE / "tests/golden/hf/bert-mlm"
SHARDED = TREE / "tests/golden/hf/bert-sharded"
DEMO = TREE / "resources/models/docs-bert"
GPT = TREE / "resources/models/docs-gpt"
WORK = pathlib.Path(tempfile.mkdtemp(prefix="orrery-broken-"))
CASES = []


def case(name, status, *words):
    """Registers a function that returns the arguments (and optionally a dict of subprocess options)."""
    def register(function):
        CASES.append((name, status, words, function))
        return function
    return register


def folder(name, source=TINY, without=()):
    """A copy of a model's folder to be broken."""
    target = WORK / name
    target.mkdir()
    for file in source.iterdir():
        if file.is_file() and file.name not in without:
            shutil.copyfile(file, target / file.name)
    return target


def read_safetensors(file):
    raw = file.read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    return json.loads(raw[8:8 + size]), raw[8 + size:]


def write_safetensors(file, header, data, length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    file.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + data)


def weights(name, change):
    """A model whose safetensors header or data is changed by change(header, data) -> (header, data)."""
    target = folder(name)
    file = target / "model.safetensors"
    header, data = read_safetensors(file)
    header, data = change(header, data)
    write_safetensors(file, header, data)
    return ["inspect", str(target)]


def first(header):
    return next(key for key in header if key != "__metadata__")


def config(name, change, source=TINY):
    target = folder(name, source)
    value = json.loads((target / "config.json").read_text())
    value = change(value) or value
    (target / "config.json").write_text(value if isinstance(value, str) else json.dumps(value))
    return ["inspect", str(target)]


def raw_weights(name, data):
    target = folder(name)
    (target / "model.safetensors").write_bytes(data)
    return ["inspect", str(target)]


# --- safetensors
@case("empty safetensors", 3, "model.safetensors")
def _(n): return raw_weights(n, b"")


@case("seven bytes", 3, "model.safetensors")
def _(n): return raw_weights(n, b"1234567")


@case("header of 2^63 bytes", 3, "model.safetensors")
def _(n): return raw_weights(n, struct.pack("<Q", 1 << 63) + b"{}" * 100)


@case("header of 2^64-1 bytes", 3, "model.safetensors")
def _(n): return raw_weights(n, struct.pack("<Q", (1 << 64) - 1) + b"{}" * 100)


@case("header longer than the file", 3, "model.safetensors")
def _(n): return raw_weights(n, struct.pack("<Q", 5000) + b"{}")


@case("header that is no JSON", 3, "model.safetensors")
def _(n): return raw_weights(n, struct.pack("<Q", 8) + b"notjson!")


@case("header that is an array", 3, "model.safetensors")
def _(n): return raw_weights(n, struct.pack("<Q", 2) + b"[]")


@case("header nested a million deep", 3, "model.safetensors")
def _(n): return raw_weights(n, struct.pack("<Q", 1000000) + b"[" * 1000000)


@case("truncated data", 3, "model.safetensors")
def _(n): return weights(n, lambda h, d: (h, d[:-100]))


@case("overlapping tensors", 3, "model.safetensors")
def _(n):
    def change(h, d):
        names = [k for k in h if k != "__metadata__"]
        a, b = sorted(names, key=lambda k: h[k]["data_offsets"][0])[:2]
        size = h[b]["data_offsets"][1] - h[b]["data_offsets"][0]
        h[b]["data_offsets"] = [h[a]["data_offsets"][0], h[a]["data_offsets"][0] + size]
        return h, d
    return weights(n, change)


@case("offsets beyond the file", 3, "model.safetensors")
def _(n):
    def change(h, d):
        k = first(h)
        size = h[k]["data_offsets"][1] - h[k]["data_offsets"][0]
        h[k]["data_offsets"] = [1 << 40, (1 << 40) + size]
        return h, d
    return weights(n, change)


@case("offsets backwards", 3, "model.safetensors")
def _(n):
    def change(h, d):
        h[first(h)]["data_offsets"].reverse()
        return h, d
    return weights(n, change)


@case("negative offset", 3, "model.safetensors")
def _(n):
    def change(h, d):
        h[first(h)]["data_offsets"][0] = -8
        return h, d
    return weights(n, change)


@case("size that does not fit the shape", 3, "model.safetensors")
def _(n):
    def change(h, d):
        h[first(h)]["shape"][0] += 1
        return h, d
    return weights(n, change)


@case("negative shape", 3, "model.safetensors")
def _(n):
    def change(h, d):
        h[first(h)]["shape"][0] = -1
        return h, d
    return weights(n, change)


@case("shape whose product overflows", 3, "model.safetensors")
def _(n):
    def change(h, d):
        h[first(h)]["shape"] = [1 << 40, 1 << 40, 1 << 40]
        return h, d
    return weights(n, change)


@case("unknown dtype", 3, "F37")
def _(n):
    def change(h, d):
        for k in h:
            if k != "__metadata__":
                h[k]["dtype"] = "F37"
        return h, d
    return weights(n, change)


@case("wrong dtype: integers for weights", 3, "model.safetensors")
def _(n):
    def change(h, d):
        for k in h:
            if k != "__metadata__" and h[k]["dtype"] == "F32":
                h[k]["dtype"] = "I32"
        return h, d
    return weights(n, change)


@case("tensor named twice", 3, "model.safetensors")
def _(n):
    target = folder(n)
    header, data = read_safetensors(target / "model.safetensors")
    k = first(header)
    text = json.dumps(header)[:-1] + ", " + json.dumps({k: header[k]})[1:]
    write_safetensors(target / "model.safetensors", text.encode(), data)
    return ["inspect", str(target)]


@case("missing tensor", 3, "query")
def _(n):
    def change(h, d):
        for k in list(h):
            if "layer.0.attention.self.query.weight" in k:
                h[k.replace("query", "quarry")] = h.pop(k)
        return h, d
    return weights(n, change)


@case("tensor of another shape", 3, "shape")
def _(n):
    def change(h, d):
        for k in h:
            if "layer.0.attention.self.query.weight" in k:
                h[k]["shape"] = [h[k]["shape"][0] * 2, h[k]["shape"][1] // 2]
        return h, d
    return weights(n, change)


@case("git-lfs pointer in place of weights", 3, "lfs")
def _(n): return raw_weights(n, b"version https://git-lfs.github.com/spec/v1\noid sha256:1234\nsize 440000000\n")


@case("a folder in place of weights", 3, "model.safetensors")
def _(n):
    target = folder(n, without=("model.safetensors",))
    (target / "model.safetensors").mkdir()
    return ["inspect", str(target)]


@case("no weights at all", 3, "model.safetensors")
def _(n): return ["inspect", str(folder(n, without=("model.safetensors",)))]


@case("NaN weights", 1, "NaN")
def _(n):
    target = folder(n)
    header, data = read_safetensors(target / "model.safetensors")
    data = bytearray(data)
    struct.pack_into("<f", data, header[first(header)]["data_offsets"][0], float("nan"))
    write_safetensors(target / "model.safetensors", header, bytes(data))
    return ["inspect", str(target), "--scan"]


# --- shards
@case("missing shard", 3, "model-00002-of-00002.safetensors")
def _(n): return ["inspect", str(folder(n, SHARDED, without=("model-00002-of-00002.safetensors",)))]


@case("shard index that is no JSON", 3, "index.json")
def _(n):
    target = folder(n, SHARDED)
    (target / "model.safetensors.index.json").write_text("{")
    return ["inspect", str(target)]


@case("shard index with a path out of the folder", 3, "index.json")
def _(n):
    target = folder(n, SHARDED)
    index = json.loads((target / "model.safetensors.index.json").read_text())
    for k in index["weight_map"]:
        index["weight_map"][k] = "../../etc/passwd"
    (target / "model.safetensors.index.json").write_text(json.dumps(index))
    return ["inspect", str(target)]


@case("shard index that names an absent tensor", 3, "model")
def _(n):
    target = folder(n, SHARDED)
    file = target / "model-00001-of-00002.safetensors"
    header, data = read_safetensors(file)
    k = first(header)
    header["renamed"] = header.pop(k)
    write_safetensors(file, header, data)
    return ["inspect", str(target)]


# --- pickles
def pickled(name, content, members=("archive/version",)):
    target = folder(name, without=("model.safetensors",))
    with zipfile.ZipFile(target / "pytorch_model.bin", "w") as archive:
        archive.writestr("archive/data.pkl", content)
        for member in members:
            archive.writestr(member, "3\n")
    return ["inspect", str(target)]


class Evil:
    def __reduce__(self):
        return (os.system, ("touch " + str(WORK / "executed"),))


@case("pickle with code", 3, "system")
def _(n): return pickled(n, pickle.dumps({"weight": Evil()}, protocol=2))


@case("pickle that calls eval", 3, "eval")
def _(n): return pickled(n, b"cbuiltins\neval\n(S'1+1'\ntR.")


@case("legacy pickle with code", 3, "system")
def _(n):
    target = folder(n, without=("model.safetensors",))
    (target / "pytorch_model.bin").write_bytes(pickle.dumps({"weight": Evil()}, protocol=2))
    return ["inspect", str(target)]


@case("pickle of a string of 2 GB that is not there", 3, "pytorch_model.bin")
def _(n): return pickled(n, b"\x80\x02X" + struct.pack("<I", 0x7fffffff) + b"abc.")


@case("pickle nested without end", 3, "pytorch_model.bin")
def _(n): return pickled(n, b"\x80\x02" + b"(" * 2000000 + b".")


@case("pickle cut short", 3, "pytorch_model.bin")
def _(n): return pickled(n, pickle.dumps({"a": 1}, protocol=2)[:-3])


@case("pickle that is a list", 3, "pytorch_model.bin")
def _(n): return pickled(n, pickle.dumps([1, 2, 3], protocol=2))


@case("zip cut short", 3, "pytorch_model.bin")
def _(n):
    arguments = pickled(n, pickle.dumps({"a": 1}, protocol=2))
    file = pathlib.Path(arguments[1]) / "pytorch_model.bin"
    file.write_bytes(file.read_bytes()[:60])
    return arguments


@case("noise in place of a pickle", 3, "pytorch_model.bin")
def _(n):
    target = folder(n, without=("model.safetensors",))
    (target / "pytorch_model.bin").write_bytes(bytes((i * 37 + 11) % 256 for i in range(4096)))
    return ["inspect", str(target)]


# --- config.json
@case("no such folder", 3, "nowhere")
def _(n): return ["inspect", str(WORK / "nowhere")]


@case("no config.json", 3, "config.json")
def _(n): return ["inspect", str(folder(n, without=("config.json",)))]


@case("config.json that is no JSON", 3, "config.json")
def _(n): return config(n, lambda c: "{ not json")


@case("config.json that is an array", 3, "config.json")
def _(n): return config(n, lambda c: "[1, 2]")


@case("unknown family", 3, "bert", "quantumformer")
def _(n): return config(n, lambda c: c.update(model_type="quantumformer", architectures=["Q"]))


@case("no model_type", 3, "model_type")
def _(n): return config(n, lambda c: c.pop("model_type") and None)


@case("missing hidden_size", 3, "hidden_size")
def _(n): return config(n, lambda c: c.pop("hidden_size") and None)


@case("missing num_hidden_layers", 3, "num_hidden_layers")
def _(n): return config(n, lambda c: c.pop("num_hidden_layers") and None)


@case("heads that do not divide the width", 3, "heads")
def _(n): return config(n, lambda c: c.update(num_attention_heads=5))


@case("negative number of layers", 3, "num_hidden_layers")
def _(n): return config(n, lambda c: c.update(num_hidden_layers=-3))


@case("a billion layers", 3, "config.json", "layers")
def _(n): return config(n, lambda c: c.update(num_hidden_layers=1000000000))


@case("a word in place of a number", 3, "hidden_size")
def _(n): return config(n, lambda c: c.update(hidden_size="large"))


@case("zero heads", 3, "num_attention_heads")
def _(n): return config(n, lambda c: c.update(num_attention_heads=0))


@case("unknown activation", 3, "config.json", "wobble")
def _(n): return config(n, lambda c: c.update(hidden_act="wobble"))


@case("vocabulary larger than the embedding", 3, "embeddings")
def _(n): return config(n, lambda c: c.update(vocab_size=c["vocab_size"] * 2))


# --- tokenizers and texts
def tokenizer(name, change):
    target = folder(name, DEMO)
    file = target / "tokenizer.json"
    value = change(json.loads(file.read_text()))
    file.write_text(value if isinstance(value, str) else json.dumps(value))
    return ["tokenize", str(target), "--text", "some words"]


@case("tokenizer of another model", 3, "vocabulary")
def _(n):
    target = folder(n)  # a vocabulary of 120
    shutil.copyfile(DEMO / "tokenizer.json", target / "tokenizer.json")
    return ["trace", str(target), "--text", "Returns the shape of the array.", "--out", str(target / "out.safetensors")]


@case("no tokenizer", 3, "tokenizer")
def _(n): return ["trace", str(folder(n)), "--text", "words", "--out", str(WORK / "o.safetensors")]


@case("tokenizer.json that is no JSON", 3, "tokenizer.json")
def _(n): return tokenizer(n, lambda t: "{")


@case("tokenizer without a model", 3, "tokenizer.json", "model")
def _(n): return tokenizer(n, lambda t: {k: v for k, v in t.items() if k != "model"})


@case("tokenizer model of an unknown kind", 3, "tokenizer.json")
def _(n): return tokenizer(n, lambda t: {**t, "model": {**t["model"], "type": "Telepathy"}})


@case("tokenizer vocabulary of wrong type", 3, "tokenizer.json")
def _(n): return tokenizer(n, lambda t: {**t, "model": {**t["model"], "vocab": {"a": "b"}}})


@case("pre-tokenizer with a broken pattern", 3, "tokenizer.json")
def _(n): return tokenizer(n, lambda t: {**t, "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "(((("}, "behavior": "Isolated", "invert": False}})


@case("empty text", 2, "empty")
def _(n): return ["analyze", str(DEMO), "--text", "", "--lens", "logit_lens", "--out", str(WORK / "e")]


@case("text file without words", 3, "no text")
def _(n):
    (WORK / "blank.txt").write_text("  \n\n ")
    return ["analyze", str(DEMO), "--file", str(WORK / "blank.txt"), "--lens", "logit_lens", "--out", str(WORK / "e")]


@case("text file that is missing", 3, "missing.txt")
def _(n): return ["analyze", str(DEMO), "--file", str(WORK / "missing.txt"), "--lens", "logit_lens", "--out", str(WORK / "e")]


@case("JSONL line without text", 3, "Line 2")
def _(n):
    (WORK / "lines.jsonl").write_text('{"text": "fine"}\n{"words": 1}\n')
    return ["analyze", str(DEMO), "--file", str(WORK / "lines.jsonl"), "--lens", "logit_lens", "--out", str(WORK / "e")]


@case("100 000 tokens", 0, "positions")
def _(n):
    (WORK / "long.txt").write_text("array " * 100000)
    return ["trace", str(DEMO), "--file", str(WORK / "long.txt"), "--sites", "hidden_states.0", "--out", str(WORK / "long.safetensors")]


@case("text that is not UTF-8", 0)
def _(n):
    (WORK / "latin.txt").write_bytes(b"caf\xe9 \xff\xfe array")
    return ["trace", str(DEMO), "--file", str(WORK / "latin.txt"), "--sites", "hidden_states.0", "--out", str(WORK / "latin.safetensors")]


@case("id that is no token", 2, "99999999")
def _(n): return ["tokenize", str(DEMO), "--decode", "99999999"]


# --- options
@case("unknown command", 3, "frobnicate", "--help")
def _(n): return ["frobnicate"]


@case("unknown lens", 2, "did you mean 'logit_lens'")
def _(n): return ["analyze", str(DEMO), "--text", "a", "--lens", "logitlens", "--out", str(WORK / "e")]


@case("unknown option of a lens", 2, "did you mean 'residual'")
def _(n): return ["analyze", str(DEMO), "--text", "a", "--lens", "attention_rollout", "--set", "residuall=1", "--out", str(WORK / "e")]


@case("option out of range", 2, "0 to 1")
def _(n): return ["analyze", str(DEMO), "--text", "a", "--lens", "attention_rollout", "--set", "residual=7", "--out", str(WORK / "e")]


@case("option that is no number", 2, "residual")
def _(n): return ["analyze", str(DEMO), "--text", "a", "--lens", "attention_rollout", "--set", "residual=half", "--out", str(WORK / "e")]


@case("position beyond the text", 2, "position")
def _(n): return ["analyze", str(DEMO), "--text", "a", "--lens", "attention_rollout", "--set", "position=400", "--out", str(WORK / "e")]


@case("lens that does not suit the model", 2, "language-model head")
def _(n): return ["analyze", str(TREE / "resources/models/docs-topic"), "--text", "a", "--lens", "logit_lens", "--out", str(WORK / "e")]


@case("unknown format", 2, "docx")
def _(n): return ["analyze", str(DEMO), "--text", "a", "--lens", "logit_lens", "--format", "docx", "--out", str(WORK / "e")]


@case("unknown dtype", 2, "dtype")
def _(n): return ["inspect", str(DEMO), "--dtype", "f7"]


@case("negative threads", 2, "threads")
def _(n): return ["inspect", str(DEMO), "--threads", "-4"]


@case("unknown site", 2, "site")
def _(n): return ["trace", str(DEMO), "--text", "a", "--sites", "blocks.0.hook_nonsense", "--out", str(WORK / "o.safetensors")]


@case("edit of an unknown kind", 3, "explode")
def _(n):
    (WORK / "edits.json").write_text('[{"site": "blocks.0.hook_attn_out", "kind": "explode"}]')
    return ["trace", str(DEMO), "--text", "a", "--edits", str(WORK / "edits.json"), "--out", str(WORK / "o.safetensors")]


@case("range written badly", 2, "length")
def _(n): return ["bench", str(DEMO), "--grid", "length=512-32"]


@case("grid of a million points", 2)
def _(n): return ["bench", str(DEMO), "--grid", "length=1-512", "batch=1-512", "threads=1-8"]


@case("unknown workload", 2, "workload")
def _(n): return ["bench", str(DEMO), "--grid", "workload=juggling"]


@case("generation with an encoder", 2, "causal")
def _(n): return ["generate", str(DEMO), "--prompt", "a"]


@case("unknown compressor", 2, "int8_linear")
def _(n): return ["compress", str(DEMO), "--with", "int8_liner", "--out", str(WORK / "c")]


@case("compressing into a folder that is not empty", 2, "not empty")
def _(n): return ["compress", str(DEMO), "--with", "int8_linear", "--out", str(DEMO)]


@case("compression record that is broken", 3, "orrery_compression")
def _(n): return config(n, lambda c: c.update(orrery_compression={"compressor": 7}))


@case("command of a later version", 2, "later version")
def _(n): return ["train", "recipe.json"]


# --- recipes
def recipe(name, content):
    file = WORK / (name.replace(" ", "-") + ".json")
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return ["run", str(file)]


@case("recipe that is no JSON", 3, "JSON")
def _(n): return recipe(n, "{,}")


@case("recipe of an unknown job", 3, "juggle")
def _(n): return recipe(n, {"job": "juggle", "model": str(DEMO)})


@case("recipe with an unknown key", 3, "modle")
def _(n): return recipe(n, {"job": "bench", "modle": str(DEMO)})


@case("recipe with a bad expectation", 3, "expect")
def _(n): return recipe(n, {"job": "bench", "model": str(DEMO), "expect": ["seconds <"]})


@case("recipe of a model that is missing", 3, "nowhere")
def _(n): return recipe(n, {"job": "analyze", "model": str(WORK / "nowhere"), "input": {"text": "a"}, "parts": [{"kind": "analyzer", "id": "logit_lens"}]})


# --- workspaces
@case("workspace that is no database", 3, "noise.orrery")
def _(n):
    (WORK / "noise.orrery").write_bytes(b"this is not a database, it is a sentence" * 100)
    return ["runs", "list", "--workspace", str(WORK / "noise.orrery")]


@case("workspace that is a folder", 3, "dir.orrery")
def _(n):
    (WORK / "dir.orrery").mkdir()
    return ["runs", "list", "--workspace", str(WORK / "dir.orrery")]


@case("workspace of a newer version", 3, "newer")
def _(n):
    file = WORK / "newer.orrery"
    subprocess.run([ORRERY, "runs", "list", "--workspace", str(file)], check=True, capture_output=True)
    with sqlite3.connect(file) as database:
        database.execute("PRAGMA user_version = 9999")
    return ["runs", "list", "--workspace", str(file)]


@case("database of another program", 3, "other.orrery")
def _(n):
    with sqlite3.connect(WORK / "other.orrery") as database:
        database.execute("CREATE TABLE photographs (name TEXT)")
    return ["runs", "list", "--workspace", str(WORK / "other.orrery")]


@case("workspace in a place that cannot be written", 1, "workspace")
def _(n): return ["analyze", str(DEMO), "--text", "a", "--lens", "logit_lens", "--json", "--workspace", "/proc/orrery/w.orrery"]


@case("workspace on a full disk", 1, "w.orrery")
def _(n):
    # A limit on file sizes stands for the full disk: writes fail in the same places.
    import resource
    import signal

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200000, 200000))
    text = " ".join(["array"] * 300)
    file = WORK / "full" / "w.orrery"
    subprocess.run([ORRERY, "runs", "list", "--workspace", str(file)], check=True, capture_output=True)
    return ["analyze", str(DEMO), "--text", text, "--lens", "attention_rollout", "--json", "--workspace", str(file)], {"preexec_fn": limit}


@case("full disk behind standard output", 1, "could not be written")
def _(n): return ["inspect", str(DEMO)], {"stdout": open("/dev/full", "w")}


@case("run that does not exist", 2, "4711")
def _(n): return ["runs", "show", "4711", "--workspace", str(WORK / "w.orrery")]


@case("deleting without saying yes", 2, "--yes")
def _(n):
    file = WORK / "delete.orrery"
    subprocess.run([ORRERY, "analyze", str(DEMO), "--text", "a", "--lens", "logit_lens", "--json", "--workspace", str(file)], check=True, capture_output=True)
    return ["runs", "delete", "last", "--workspace", str(file)]


@case("merging something else", 3, "noise2.orrery")
def _(n):
    (WORK / "noise2.orrery").write_bytes(b"noise" * 1000)
    return ["runs", "merge", str(WORK / "noise2.orrery"), "--workspace", str(WORK / "w.orrery")]


@case("report of an empty workspace", 1, "no runs")
def _(n): return ["report", "--workspace", str(WORK / "empty.orrery"), "--out", str(WORK / "r.html")]


@case("report in an unknown format", 2, ".odt")
def _(n): return ["report", "--workspace", str(WORK / "empty.orrery"), "--out", str(WORK / "r.odt")]


# --- plugins
@case("plugin that is a text", 1, "not a plugin")
def _(n):
    (WORK / "text.so").write_text("hello")
    return ["plugin", "check", str(WORK / "text.so")]


@case("plugin cut short", 1, "cut.so")
def _(n):
    data = (FIXTURES / "crashing.so").read_bytes()
    (WORK / "cut.so").write_bytes(data[:len(data) // 2])
    return ["plugin", "check", str(WORK / "cut.so")]


for fixture, word in (("crashing", "crashed"), ("hanging", "did not finish"), ("wrong_version", "interface 999"),
                      ("throwing", "failed while registering"), ("lying", "declares the parts"), ("no_parts", "list of parts")):
    @case(f"plugin: {fixture}", 1, word)
    def _(n, fixture=fixture): return ["plugin", "check", str(FIXTURES / f"{fixture}.so")]


@case("broken plugins do not keep the others from loading", 0, "attention_rollout")
def _(n):
    target = WORK / "plugins"
    target.mkdir()
    for fixture in ("crashing", "wrong_version", "throwing"):
        shutil.copyfile(FIXTURES / f"{fixture}.so", target / f"{fixture}.so")
    return ["parts", "list"], {"env": {**os.environ, "ORRERY_PLUGIN_PATH": str(target), "XDG_CACHE_HOME": str(WORK / "cache")}}


@case("plugin of an unknown kind", 2, "analyzer")
def _(n): return ["plugin", "new", "teapot", "my_pot", "--out", str(WORK)]


@case("plugin with a bad name", 2, "lower-case")
def _(n): return ["plugin", "new", "analyzer", "My Lens!", "--out", str(WORK)]


@case("golden case that is none", 3, "golden")
def _(n):
    (WORK / "nothing").mkdir()
    return ["verify", str(WORK / "nothing")]


def run(name, status, words, function):
    made = function(name.replace(" ", "-").replace("/", "-"))
    arguments, options = made if isinstance(made, tuple) else (made, {})
    settings = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "timeout": 120, "stdin": subprocess.DEVNULL, **options}
    environment = settings.setdefault("env", dict(os.environ))
    environment.setdefault("XDG_DATA_HOME", str(WORK / "data"))
    environment.setdefault("XDG_CACHE_HOME", str(WORK / "cache"))
    environment["QT_QPA_PLATFORM"] = "offscreen"
    done = subprocess.run([ORRERY, *arguments], **settings)
    said = ((done.stdout or b"") + (done.stderr or b"")).decode(errors="replace")
    problems = []
    if done.returncode != status:
        problems.append(f"exit status {done.returncode}, wanted {status}")
    problems += [f"does not say '{word}'" for word in words if word not in said]
    problems += [f"says '{word}'" for word in ("Internal check failed", "defect of Orrery", "ERROR: AddressSanitizer", "runtime error:") if word in said]
    return problems, said


def main():
    chosen = sys.argv[4:]
    failed = 0
    count = 0
    for entry in CASES:
        if chosen and entry[0] not in chosen:
            continue
        count += 1
        try:
            problems, said = run(*entry)
        except subprocess.TimeoutExpired:
            problems, said = ["did not end within 120 s"], ""
        if problems:
            failed += 1
            print(f"FAIL {entry[0]}: {'; '.join(problems)}\n{said[:1500]}\n")
    if (WORK / "executed").exists():
        failed += 1
        print("FAIL: code inside a pickle was executed")
    shutil.rmtree(WORK, ignore_errors=True)
    print(f"{count - failed} passed, {failed} failed")
    return 1 if failed or count < (1 if chosen else 60) else 0


sys.exit(main())
