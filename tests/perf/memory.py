"""Measures the memory that a key takes in Slotway and in redis-server, in one run, and prints Markdown.

Each shape of value is loaded into a fresh server as keys of 16 bytes. What is shown is the growth from the empty server to
the loaded one, over the number of keys: of resident memory, which is what is paid for, and of `used_memory`, which is
what the server believes. With --cluster, each server is a cluster of one node that owns all slots.
"""

import socket
import subprocess
import sys
import time
from pathlib import Path

from bench import OPTIONS, Subject, command_line, machine, resident_mib

BATCH = 2000
TTL = ("EX", "1000000")


def value(length):
    """A value of so many bytes, none a number."""
    return "v" * length


def parts(prefix, number):
    """Five members of six bytes and their keys' number in them, so that no two keys hold the same."""
    return [f"{prefix}{place}{number % 10000:04d}" for place in range(5)]


def pairs(heads, tails):
    """a, x, b, y, ..."""
    return [word for pair in zip(heads, tails) for word in pair]


# What is loaded: its name, and the request for a key.
SHAPES = [
    ("string of 16 bytes", lambda key, _: ["SET", key, value(16)]),
    ("string of 16 bytes, with expiry", lambda key, _: ["SET", key, value(16), *TTL]),
    ("string of 64 bytes", lambda key, _: ["SET", key, value(64)]),
    ("string of 64 bytes, with expiry", lambda key, _: ["SET", key, value(64), *TTL]),
    ("counter", lambda key, number: ["SET", key, str(100_000 + number)]),
    ("hash of 5 fields", lambda key, number: ["HSET", key, *pairs(parts("f", 0), parts("v", number))]),
    ("list of 5 elements", lambda key, number: ["RPUSH", key, *parts("e", number)]),
    ("set of 5 integers", lambda key, number: ["SADD", key, *(str(number * 5 + place) for place in range(5))]),
    ("set of 5 texts", lambda key, number: ["SADD", key, *parts("m", number)]),
    ("sorted set of 5 members", lambda key, number: ["ZADD", key, *pairs("12345", parts("m", number))]),
]


def encode(words):
    """A request as RESP."""
    return "".join([f"*{len(words)}\r\n", *(f"${len(word)}\r\n{word}\r\n" for word in words)]).encode()


def replies(client, count):
    """Reads so many replies of one line each. Fails on an error."""
    lines = 0
    while lines < count:
        data = client.recv(1 << 16)
        if not data or data.startswith(b"-") or b"\n-" in data:
            sys.exit(f"the server said: {data[:200]!r}")
        lines += data.count(b"\n")


def used_memory(client):
    """The field of INFO."""
    client.sendall(b"INFO memory\r\n")
    text = b""
    while b"used_memory:" not in text or not text.endswith(b"\r\n"):
        text += client.recv(1 << 16)
    return int(text.split(b"used_memory:")[1].split(b"\r\n")[0])


def load(client, shape, keys):
    """Sends every key's request, many at a time."""
    for start in range(0, keys, BATCH):
        numbers = range(start, min(start + BATCH, keys))
        client.sendall(b"".join(encode(shape(f"key:{number:012d}", number)) for number in numbers))
        replies(client, len(numbers))


def take_all_slots(client):
    """Makes a node that has no slots a whole cluster, and waits until it believes that."""
    client.sendall(encode(["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]))
    replies(client, 1)
    for _ in range(100):
        client.sendall(encode(["GET", "any"]))
        if client.recv(1 << 16).startswith(b"$-1"):
            return
        time.sleep(0.1)
    sys.exit("the node took no commands within ten seconds of getting all slots")


def bytes_per_key(subject, shape, args):
    """(resident, used) bytes of one key."""
    with subject.running(args.port) as (process, _):
        with socket.create_connection(("127.0.0.1", args.port)) as client:
            if "--cluster-enabled" in subject.options:
                take_all_slots(client)
            before = resident_mib(process.pid) * 1024 * 1024, used_memory(client)
            load(client, shape, args.keys)
            after = resident_mib(process.pid) * 1024 * 1024, used_memory(client)
    return [(end - start) / args.keys for start, end in zip(before, after)]


def arguments():
    """The command line."""
    parser = command_line(__doc__)
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--cluster", action="store_true", help="measure clusters of one node")
    parser.add_argument("--shape", help="only shapes whose names contain this")
    return parser.parse_args()


def main():
    """A row for each shape."""
    args = arguments()
    version = subprocess.run([args.redis, "--version"], check=True, capture_output=True, text=True).stdout.split("v=")[1]
    theirs = f"Redis {version.split()[0]}"
    slotway = str(Path(args.slotway).resolve())
    if args.cluster:
        one_node = [slotway, "dev", "--nodes", "1", "--http", "0"]
        in_cluster = [*OPTIONS, "--cluster-enabled", "yes"]
        subjects = [Subject("Slotway", one_node, ()), Subject(theirs, [args.redis], in_cluster)]
    else:
        subjects = [Subject("Slotway", [slotway, "server"]), Subject(theirs, [args.redis])]
    print(f"{machine()}; {args.keys:,} keys of 16 bytes, a fresh server for each row; bytes per key.\n")
    print(f"| | Slotway, RSS | {theirs}, RSS | ratio | Slotway, used | {theirs}, used |")
    print("|---|---:|---:|---:|---:|---:|")
    for name, shape in SHAPES:
        if args.shape and args.shape not in name:
            continue
        ours, reference = (bytes_per_key(subject, shape, args) for subject in subjects)
        ratio = reference[0] / ours[0]
        row = f"{ours[0]:.1f} | {reference[0]:.1f} | {ratio:.2f} | {ours[1]:.1f} | {reference[1]:.1f}"
        print(f"| {name} | {row} |", flush=True)


if __name__ == "__main__":
    main()
