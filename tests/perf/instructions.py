"""Counts the instructions of the hot path and compares them with instructions.txt; fails when one takes more than its bound.

Valgrind's callgrind runs engine/examples/instructions twice for each piece of work, with few rounds and with many: the
difference is that of the rounds alone, start and end aside. The figures are those of one profile, without lto: they are there
to be compared with themselves, not with a server's.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BOUNDS = Path(__file__).with_suffix(".txt")
FEW, MANY = 100, 2100
# Compilers' versions are pinned; what is left is the C library's allocator and its ways of copying bytes.
SLACK = 1.10
RAISE = "To raise a bound, or to lower one after an improvement: `tests/perf/run instructions --write`, and the commit says why."


def binary():
    """The built example."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return target / "instructions" / "examples" / "instructions"


def pieces(program):
    """{name: operations of a round}, as the program lists them."""
    lines = subprocess.run([program], check=True, capture_output=True, text=True).stdout.splitlines()
    return {name: int(operations) for name, operations in (line.split() for line in lines)}


def total(program, piece, rounds):
    """Instructions of the program from its start to its end."""
    with tempfile.TemporaryDirectory() as folder:
        counts = Path(folder) / "counts"
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={counts}", program, piece, str(rounds)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{piece}: valgrind ended with {done.returncode}\n{done.stderr}")
        return int(re.search(r"^(?:summary|totals): (\d+)", counts.read_text(), re.MULTILINE).group(1))


def measure(program):
    """{name: instructions of one operation}"""
    operations = pieces(program)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = {(name, rounds): pool.submit(total, program, name, rounds) for name in operations for rounds in (FEW, MANY)}
    counted = {run: future.result() for run, future in runs.items()}
    return {
        name: (counted[name, MANY] - counted[name, FEW]) / (MANY - FEW) / per_round for name, per_round in operations.items()
    }


def read_bounds():
    """{name: instructions that were counted when the bound was set}"""
    lines = (line.split() for line in BOUNDS.read_text().splitlines() if line and not line.startswith("#"))
    return {name: float(count) for name, count in lines}


def write_bounds(counts):
    """Takes these counts for what holds from now on."""
    head = "# Instructions of one operation. A tenth more fails; `tests/perf/run instructions --write` writes this file.\n"
    BOUNDS.write_text(head + "".join(f"{name} {count:.1f}\n" for name, count in counts.items()))


def compare(counts, bounds):
    """Prints a table; gives the names of what grew, or has no bound."""
    print("| | instructions | when the bound was set | more |\n|---|---:|---:|---:|")
    grown = []
    for name, count in counts.items():
        known = bounds.get(name)
        grown += [name] if known is None or count > known * SLACK else []
        print(f"| {name} | {count:.1f} |" + (" | |" if known is None else f" {known:.1f} | {count / known - 1:+.1%} |"))
    return grown


def main():
    """The table, as Markdown on standard output, and a status."""
    parser = argparse.ArgumentParser(description=__doc__, epilog=RAISE, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=Path, default=binary(), help="example to measure")
    parser.add_argument("--write", action="store_true", help="write instructions.txt instead of comparing with it")
    args = parser.parse_args()
    if not args.program.is_file():
        sys.exit(f"there is no {args.program}: make test-instructions builds it")
    counts = measure(args.program)
    if args.write:
        write_bounds(counts)
    bounds = read_bounds()
    grown = compare(counts, bounds)
    if stale := sorted(bounds.keys() - counts.keys()):
        sys.exit(f"\nbounds of what is not measured: {', '.join(stale)}")
    if grown:
        sys.exit(f"\nmore than {SLACK - 1:.0%} over the bound, or without one: {', '.join(grown)}\n{RAISE}")


if __name__ == "__main__":
    main()
