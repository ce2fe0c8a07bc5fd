#!/usr/bin/env python3
"""Makes shuffle.json with the reference code of Ethereum's consensus specification.

    python3 -m venv venv && venv/bin/pip install --no-deps eth2spec==1.1.10
    venv/bin/python core/tests/vectors/shuffle.py > core/tests/vectors/shuffle.json

Only `compute_shuffled_index` is taken out of the package and run: the package as a whole needs
libraries for curves, which a shuffle does not.
"""

import ast
import hashlib
import importlib.metadata
import json
import random


def reference():
    """The package's own function, with integers of Python in place of the package's."""
    package = importlib.metadata.distribution("eth2spec")
    source = package.locate_file("eth2spec/phase0/mainnet.py").read_text()
    wanted = [
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef) and node.name == "compute_shuffled_index"
    ]
    wanted[0].returns = None
    for argument in wanted[0].args.args:
        argument.annotation = None

    class Sized(int):
        size = 8

    class U8(Sized):
        size = 1

    class U32(Sized):
        size = 4

    names = {
        "SHUFFLE_ROUND_COUNT": 90,
        "hash": lambda data: hashlib.sha256(data).digest(),
        "bytes_to_uint64": lambda data: int.from_bytes(data, "little"),
        "uint_to_bytes": lambda number: int(number).to_bytes(number.size, "little"),
        "uint8": U8,
        "uint32": U32,
    }
    exec(compile(ast.Module(body=wanted, type_ignores=[]), "eth2spec", "exec"), names)
    return package.version, names["compute_shuffled_index"]


def main():
    version, shuffled = reference()
    chance = random.Random(1)
    whole = []
    for count in [1, 2, 3, 5, 8, 33, 255, 256, 257, 1000]:
        seed = chance.randbytes(32)
        whole.append({"seed": seed.hex(), "count": count, "positions": [shuffled(i, count, seed) for i in range(count)]})
    single = []
    for count in [65_537, 10_000_000, 2**32 - 5, 2**40]:
        seed = chance.randbytes(32)
        for index in [0, 1, count // 2, count - 1, *(chance.randrange(count) for _ in range(4))]:
            single.append({"seed": seed.hex(), "count": count, "index": index, "position": shuffled(index, count, seed)})
    made = {"made": f"by compute_shuffled_index of eth2spec {version}, see shuffle.py", "whole": whole, "single": single}
    print(json.dumps(made, indent=None, separators=(",", ":")))


main()
