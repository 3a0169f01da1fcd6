# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes sample.gguf: every type of setting, and tensors of numbers and of blocks. Needs Python alone."""
import random
import struct

random.seed(1)


def text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def setting(key, kind, data):
    return text(key) + struct.pack("<I", kind) + data


def listing(kind, items):
    return struct.pack("<IQ", kind, len(items)) + b"".join(items)


settings = [
    setting("general.architecture", 8, text("gpt2")),
    setting("general.alignment", 4, struct.pack("<I", 32)),
    setting("sample.u8", 0, b"\x07"),
    setting("sample.i16", 3, struct.pack("<h", -2)),
    setting("sample.f32", 6, struct.pack("<f", 0.5)),
    setting("sample.bool", 7, b"\x01"),
    setting("sample.u64", 10, struct.pack("<Q", 1 << 40)),
    setting("sample.f64", 12, struct.pack("<d", 0.25)),
    setting("tokenizer.ggml.tokens", 9, listing(8, [text("a"), text("b"), text("ab")])),
    setting("tokenizer.ggml.scores", 9, listing(6, [struct.pack("<f", -float(i)) for i in range(3)])),
]
# name, sizes (fastest first), type, bytes
tensors = [
    ("f32", [3, 2], 0, struct.pack("<6f", *range(6))),
    ("f16", [4], 1, struct.pack("<4e", 1, -2, 0.5, 65504)),
    ("q8_0", [32, 2], 8, b"".join(struct.pack("<e32b", 0.5, *range(-16, 16)) for _ in range(2))),
    ("q4_0", [64], 2, b"".join(struct.pack("<e16B", 2, *range(0, 256, 16)) for _ in range(2))),
    ("q4_k", [256], 12, struct.pack("<2e", 0.5, 0.25) + random.randbytes(140)),
    ("q6_k", [256], 14, random.randbytes(208) + struct.pack("<e", 0.125)),
    ("i32", [2], 26, struct.pack("<2i", 5, -6)),
]
head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(settings)) + b"".join(settings)
data = b""
for name, sizes, kind, values in tensors:
    head += text(name) + struct.pack("<I", len(sizes)) + struct.pack(f"<{len(sizes)}Q", *sizes)
    head += struct.pack("<IQ", kind, len(data))
    data += values + bytes(-len(values) % 32)
with open("sample.gguf", "wb") as file:
    file.write(head + bytes(-len(head) % 32) + data)
