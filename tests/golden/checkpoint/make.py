# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the files of this folder with PyTorch: python3 make.py OUT BERT_BIN

BERT_BIN is tests/golden/hf/bert-legacy-bin/pytorch_model.bin. Every X.bin that holds tensors comes with X.safetensors:
the same tensors, contiguous, written here without any library.
"""
import argparse
import collections
import json
import os
import struct
import sys
import warnings
import zipfile

import torch

NAMES = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.float64: "F64", torch.int64: "I64",
         torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL"}
warnings.simplefilter("ignore")


def raw(tensor):
    tensor = tensor.detach().contiguous().reshape(-1)
    return bytes(tensor.view(torch.uint8).tolist()) if tensor.numel() else b""


def write_safetensors(path, tensors, metadata):
    header, data = {"__metadata__": metadata}, b""
    for name in sorted(tensors, key=lambda n: (-tensors[n].element_size(), n)):
        piece = raw(tensors[name])
        header[name] = {"dtype": NAMES[tensors[name].dtype], "shape": list(tensors[name].shape),
                        "data_offsets": [len(data), len(data) + len(piece)]}
        data += piece
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def mixed():
    torch.manual_seed(7)
    base = torch.randn(6, 10)
    shared = torch.arange(12, dtype=torch.float32)
    tensors = collections.OrderedDict()
    tensors["float"] = base
    tensors["transposed"] = base.t()
    tensors["slice"] = base[1:5:2, 3:9:3]
    tensors["expanded"] = torch.arange(5).expand(3, 5)
    tensors["shared.a"] = shared[:4]
    tensors["shared.b"] = shared[4:].view(2, 4)
    tensors["half"] = torch.randn(3, 3).half()
    tensors["bfloat"] = torch.randn(2, 5).bfloat16()
    tensors["double"] = torch.randn(4).double()
    tensors["long"] = torch.tensor([-(2 ** 62), -1, 0, 2 ** 40])
    tensors["int"] = torch.tensor([-(2 ** 31), 5], dtype=torch.int32)
    tensors["short"] = torch.tensor([[-3], [300]], dtype=torch.int16)
    tensors["char"] = torch.tensor([-128, 127], dtype=torch.int8)
    tensors["byte"] = torch.tensor([0, 255], dtype=torch.uint8)
    tensors["bool"] = torch.tensor([True, False, True])
    tensors["scalar"] = torch.tensor(2.5)
    tensors["empty"] = torch.empty(0, 3)
    tensors["special"] = torch.tensor([float("nan"), float("inf"), -0.0, 1e-42])
    tensors["parameter"] = torch.nn.Parameter(torch.randn(2, 2))
    tensors["weights.\u00e9\u4e2d"] = torch.ones(1)
    return tensors


def deflate(source, target):
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            new.writestr(entry.filename, old.read(entry.filename))


def main(out, bert):
    os.makedirs(out, exist_ok=True)
    at = lambda name: os.path.join(out, name)
    metadata = {"torch": torch.__version__}
    tensors = mixed()
    plain = collections.OrderedDict((k, v) for k, v in tensors.items())
    write_safetensors(at("mixed.safetensors"), plain, metadata)
    torch.save(tensors, at("mixed-zip.bin"))
    for protocol in (1, 2, 3, 4, 5):
        torch.save(tensors, at(f"mixed-zip-protocol{protocol}.bin"), pickle_protocol=protocol)
        torch.save(tensors, at(f"mixed-legacy-protocol{protocol}.bin"), pickle_protocol=protocol,
                   _use_new_zipfile_serialization=False)
    deflate(at("mixed-zip.bin"), at("mixed-deflated.bin"))
    for protocol in (2, 4):  # bare pickles, for the fuzzer to start from
        with zipfile.ZipFile(at(f"mixed-zip-protocol{protocol}.bin")) as archive, \
                open(at(f"mixed-protocol{protocol}.pkl"), "wb") as file:
            file.write(next(archive.read(name) for name in archive.namelist() if name.endswith("data.pkl")))

    # What modules and training scripts save: _metadata on the state dict, other things next to it.
    torch.manual_seed(8)
    module = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
    state = module.state_dict()
    optimizer = torch.optim.Adam(module.parameters())
    module(torch.randn(5, 3)).sum().backward()
    optimizer.step()
    write_safetensors(at("module.safetensors"), module.state_dict(), metadata)
    torch.save(module.state_dict(), at("module-zip.bin"))
    torch.save({"epoch": 3, "model_state_dict": module.state_dict(), "optimizer": optimizer.state_dict(),
                "loss": 0.25, "names": ["a", "b"], "seen": {1, 2}, "none": None, "big": 2 ** 90},
               at("module-training.bin"))
    torch.save({"epoch": 3, "state_dict": module.state_dict()}, at("module-training-legacy.bin"),
               _use_new_zipfile_serialization=False)
    torch.save({"x": torch.randn(2, 2).to(torch.float8_e4m3fn), "y": torch.zeros(3, dtype=torch.uint16),
                "z": torch.zeros(2, dtype=torch.complex64)}, at("unsupported-dtypes.bin"))

    # Files that want to run code.
    torch.save(module, at("code-module.bin"))
    torch.save(module, at("code-module-legacy.bin"), _use_new_zipfile_serialization=False)
    torch.save({"args": argparse.Namespace(lr=0.1), "model": module.state_dict()}, at("code-namespace.bin"))

    torch.save(torch.load(bert), at("bert-legacy-format.bin"), _use_new_zipfile_serialization=False)


main(*sys.argv[1:])
