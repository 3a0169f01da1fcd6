# SPDX-License-Identifier: GPL-3.0-or-later
"""Every command once as a user would call it, its output looked at."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

orrery, tree = sys.argv[1], pathlib.Path(sys.argv[2])
work = pathlib.Path(tempfile.mkdtemp(prefix="orrery-commands-"))
bert, gpt, topic = (str(tree / "resources/models" / name) for name in ("docs-bert", "docs-gpt", "docs-topic"))
workspace = ["--workspace", str(work / "w.orrery")]
environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "XDG_DATA_HOME": str(work / "data"), "XDG_CACHE_HOME": str(work / "cache")}
failures = []
count = 0


def run(*arguments, status=0):
    done = subprocess.run([orrery, *arguments], capture_output=True, env=environment, timeout=300, stdin=subprocess.DEVNULL)
    if done.returncode != status:
        failures.append(f"{' '.join(arguments)}: exit {done.returncode}, wanted {status}\n{done.stderr.decode()[:800]}")
    return done.stdout.decode()


def check(condition, sentence):
    global count
    count += 1
    if not condition:
        failures.append(sentence)


# Looking at a model
text = run("inspect", bert, "--sites")
check("blocks.0.attn.hook_pattern" in text and "hidden_states.0" in text, "inspect lists sites with aliases")
info = json.loads(run("inspect", bert, "--json"))
check(info["parameters"] == 4609280, f"docs-bert has 4609280 parameters, not {info['parameters']}")
check(info["family"] == "bert" and all(f'"blocks.{i}"' in json.dumps(info["modules"]) for i in range(info["layers"])), "modules are listed by layer")

# Tokens
encoding = json.loads(run("tokenize", gpt, "--text", "Compute the", "--json"))[0]
check(encoding["ids"][-2:] == [1880, 267], "docs-gpt's tokens of 'Compute the'")
check(run("tokenize", gpt, "--decode", "1880,267").strip() == "Compute the", "decode")
check("pre-tokenizer" in run("tokenize", gpt, "--text", "Compute the", "--trace"), "tokenize --trace shows the stages")

# Tracing, and that an edit changes what follows and nothing before
sites = "blocks.*.hook_resid_post,blocks.1.attn.hook_pattern"
plain, edited = work / "plain.safetensors", work / "edited.safetensors"
run("trace", gpt, "--text", "Compute the number of samples", "--sites", sites, "--out", str(plain))
(work / "edits.json").write_text('[{"site": "blocks.2.attn.hook_z", "kind": "zero", "head": 1}]')
run("trace", gpt, "--text", "Compute the number of samples", "--sites", sites, "--edits", str(work / "edits.json"), "--out", str(edited))


def tensors(file):
    raw = file.read_bytes()
    size = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8:8 + size])
    return {k: raw[8 + size:][slice(*v["data_offsets"])] for k, v in header.items() if k != "__metadata__"}


a, b = tensors(plain), tensors(edited)
check(set(a) == set(b) and len(a) == 6, f"the sites asked for and the input are written: {sorted(a)}")
check(a["blocks.1.hook_resid_post"] == b["blocks.1.hook_resid_post"], "nothing before the edit changes")
check(a["blocks.2.hook_resid_post"] != b["blocks.2.hook_resid_post"], "the edit changes its layer")

# Analyses in every format
for lens in ("attention_statistics", "attention_rollout", "head_detectors", "logit_lens"):
    out = work / lens
    run("analyze", gpt, "--text", "Compute the number of samples", "--lens", lens, "--out", str(out), "--format", "svg,pdf,png,csv,json,html", *workspace)
    svgs = sorted(out.glob("*.svg"))
    check(len(svgs) >= 2, f"{lens} draws figures")
    check(all("<text" in f.read_text() for f in svgs), f"{lens}: SVG text is text")
    check(all(f.read_bytes().startswith(b"%PDF") for f in out.glob("*.pdf")), f"{lens}: PDFs")
    check(all(f.read_bytes().startswith(b"\x89PNG") for f in out.glob("*.png")), f"{lens}: PNGs")
    page = (out / "index.html").read_text()
    check(re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", page) is None and "<script" not in page, f"{lens}: the page needs no network and no scripts")
numbers = json.loads(run("analyze", bert, "--text", "Returns the [MASK] of the array along the given axis.", "--lens", "logit_lens", "--json", *workspace))
check("shape" in json.dumps(numbers), "docs-bert's best guess for the mask is 'shape'")
check("predicted" in run("analyze", bert, "--text", "a", "--lens", "attention_rollout", "--dry-run"), "--dry-run predicts")

# Generation equals the reference
sample = json.loads((tree / "resources/models/docs-gpt/samples.json").read_text())[0]
made = json.loads(run("generate", gpt, "--prompt", "<|endoftext|>" + sample["prompt"], "--tokens", str(len(sample["greedy_ids"]) - len(sample["prompt_ids"])), "--json"))
check(made["ids"] == sample["greedy_ids"][:len(made["ids"])] and len(made["ids"]) > 20, f"greedy ids: {made['ids']}")
beams = json.loads(run("generate", gpt, "--prompt", "Compute the", "--strategy", "beam_search", "--set", "num_beams=3", "--set", "num_return_sequences=2", "--set", "max_new_tokens=6", "--alternatives", "3", "--json"))
check(len(beams["sequences"]) == 2 and beams["sequences"][0]["score"] >= beams["sequences"][1]["score"], "beams are returned best first")
check(len(beams["sequences"][0]["tokens"][0]["alternatives"]) == 3, "alternatives of every step")
streamed = run("generate", gpt, "--prompt", "Compute the", "--tokens", "8", "--stream", "-q")
check(streamed == run("generate", gpt, "--prompt", "Compute the", "--tokens", "8", "-q") and streamed.startswith("Compute the"), "a streamed text is the text")
whole = json.loads(run("generate", gpt, "--prompt", "Compute the", "--tokens", "12", "--json"))["added"]
stopped = json.loads(run("generate", gpt, "--prompt", "Compute the", "--tokens", "12", "--stop", whole[3:7], "--json"))
check(stopped["added"] == whole[:whole.find(whole[3:7])] and stopped["sequences"][0]["reason"] == "stop_string", f"stops before a text: {stopped['added']!r}")
run("generate", gpt, "--prompt", "Compute the", "--tokens", "5", "--alternatives", "2", "--out", str(work / "generated"), "-q")
check({"tokens.svg", "alternatives.csv", "latency.json"} <= {f.name for f in (work / "generated").iterdir()}, "figures of a generation")
(work / "prompts.jsonl").write_text('{"text": "Compute the"}\n{"text": "Compute the number"}\n')
both = json.loads(run("generate", gpt, "--file", str(work / "prompts.jsonl"), "--tokens", "3", "--json"))
check(len(both) == 2 and all(len(one["sequences"][0]["tokens"]) == 3 for one in both), "several prompts from JSONL")
guessed = json.loads(run("generate", gpt, "--prompt", "Compute the", "--tokens", "30", "--strategy", "prompt_lookup", "--json"))
check(guessed["ids"] == json.loads(run("generate", gpt, "--prompt", "Compute the", "--tokens", "30", "--json"))["ids"] and "speculation" in guessed, "prompt lookup says what greedy says")
run("generate", gpt, "--prompt", "a", "--set", "num_beems=3", status=2)
run("generate", gpt, "--prompt", "a", "--strategy", "gready", status=2)
run("generate", gpt, status=2)
run("generate", str(work / "nothing"), "--prompt", "a", status=3)
run("generate", bert, "--prompt", "a", status=2)
check({"greedy", "sampling", "beam_search", "beam_sampling", "contrastive_search", "prompt_lookup", "speculative"} <= {p["id"] for p in json.loads(run("parts", "list", "--kind", "decoding_strategy", "--json"))}, "decoding strategies are parts")

# Compression: the compressed folder opens like any other
run("compress", topic, "--with", "int8_linear", "--out", str(work / "int8"))
check(json.loads(run("inspect", str(work / "int8"), "--json"))["layers"] == json.loads(run("inspect", topic, "--json"))["layers"], "compressed models open")

# Measuring, finding again, comparing, exporting
measure = ["--set", "min_repetitions=5", "--set", "max_repetitions=6", "--set", "budget=0.5", "--set", "warmups=1"]
run("bench", topic, "--grid", "length=16,32", "dtype=f32,bf16", *measure, *workspace)
run("bench", topic, "--grid", "length=16,32", "mixer=none,pooling", *measure, *workspace)
runs = json.loads(run("runs", "list", "--json", *workspace))
check(len(runs) == 7 and runs[0]["cells"] == 4 and runs[0]["cellsDone"] == 4, f"runs are in the workspace: {runs[:1]}")
check("ratio" in run("runs", "compare", str(runs[1]["id"]), "last", *workspace), "comparison gives a ratio")
hyperfine = json.loads(run("runs", "export", "last", "--format", "hyperfine", *workspace))
check(len(hyperfine["results"]) == 4 and len(hyperfine["results"][0]["times"]) >= 5, "hyperfine's JSON with raw samples")
check(run("runs", "export", "last", "--format", "samples", *workspace).count("\n") > 20, "samples as CSV")
check("GFLOP" in run("bench", topic, "--profile", "--grid", "length=32", *workspace), "profile by primitive")
run("runs", "merge", str(work / "w.orrery"), "--workspace", str(work / "merged.orrery"))
check(len(json.loads(run("runs", "list", "--json", "--workspace", str(work / "merged.orrery")))) == 7, "merge takes over all runs")
check("at most" in run("bench", topic, "--grid", "length=16-512*2", "--dry-run"), "bench --dry-run shows the plan")

# Reports
for ending in ("html", "pdf", "md"):
    run("report", "--out", str(work / f"report.{ending}"), *workspace)
page = (work / "report.html").read_text()
check("<svg" in page and "</html>" in page and "<script" not in page, "the report is one page with its figures")
check(re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", page) is None, "the report asks no network")
outline = (work / "report.pdf").read_bytes()
check(b"/Outlines" in outline, "the PDF has bookmarks")
if shutil.which("pdftotext"):
    words = subprocess.run(["pdftotext", str(work / "report.pdf"), "-"], capture_output=True).stdout.decode()
    check("Logit lens" in words, "the PDF's text is text")

# Parts, plugins, golden files
check(len(json.loads(run("parts", "list", "--json"))) >= 6, "parts are found")
check("residual=0.5" in run("parts", "show", "attention_rollout"), "options with defaults")
check(all(p["status"] == "loaded" for p in json.loads(run("plugin", "list", "--json"))), "all bundled plugins load")
check(" 0 failed" in run("verify", str(tree / "tests/golden/hf")), "golden models")
check("--set" in run("analyze", "--help") and "Example:" in run("bench", "--help"), "help with an example")
check("oneDNN" in run("--version"), "version with libraries")

shutil.rmtree(work, ignore_errors=True)
for failure in failures:
    print("FAIL", failure)
print(f"{max(0, count - len(failures))} passed, {len(failures)} failed")
sys.exit(1 if failures else 0)
