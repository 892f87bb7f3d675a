"""What a small script costs: EVAL, EVALSHA and FCALL on Slotway beside redis-server, on the same core, in one run. Prints Markdown.

Scripts of one command, of ten, and of none but arithmetic and a table; CPU time of the server per call, as bench.py measures it.
"""

import statistics
import subprocess
import sys

from bench import CLIENTS, Subject, command_line, cpu_ns, machine

LIBRARY = """#!lua name=measured
local function get(keys) return redis.call('get', keys[1]) end
redis.register_function('get', get)
"""
GET = "return redis.call('get', KEYS[1])"
LIMIT = "local n = redis.call('incr', KEYS[1]) if n == 1 then redis.call('expire', KEYS[1], ARGV[1]) end return n"
TEN = "for i = 1, 10 do redis.call('hincrby', KEYS[1], 'f' .. i, i) end return redis.call('hgetall', KEYS[1])"
SUM = "local t = {} for i = 1, 20 do t[i] = i * i end local s = 0 for _, v in ipairs(t) do s = s + v end return s"
PIPELINE = 16


def cases(digest):
    """What is measured: a name, and the command as redis-benchmark sends it."""
    return [
        ("EVAL, one GET", ["EVAL", GET, "1", "key"]),
        ("EVALSHA, one GET", ["EVALSHA", digest, "1", "key"]),
        ("FCALL, one GET", ["FCALL", "get", "1", "key"]),
        ("EVAL, INCR and EXPIRE at first", ["EVAL", LIMIT, "1", "count", "60"]),
        ("EVAL, ten HINCRBY and HGETALL", ["EVAL", TEN, "1", "hash"]),
        ("EVAL, arithmetic alone", ["EVAL", SUM, "0"]),
    ]


def cli(port, *words):
    """The reply of a command."""
    return subprocess.run(["redis-cli", "-p", str(port), *words], check=True, capture_output=True, text=True).stdout.strip()


def load(port, core, words, commands):
    """Sends a command so many times. Fails when it is answered by an error."""
    answer = cli(port, *words)
    if answer.startswith(("ERR", "NOSCRIPT", "(error)")):
        sys.exit(f"{words}: {answer}")
    command = ["taskset", "-c", str(core), "redis-benchmark", "-p", str(port), "-P", str(PIPELINE), "-c", str(CLIENTS)]
    subprocess.run([*command, "-n", str(commands), "-q", *words], check=True, stdout=subprocess.DEVNULL)


def main():
    """Everything, as Markdown on standard output; progress on standard error."""
    parser = command_line(__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each server; medians are shown")
    parser.add_argument("--commands", type=int, default=200_000, help="calls of one measurement")
    parser.add_argument("--server-core", type=int, default=0)
    parser.add_argument("--client-core", type=int, default=1)
    args = parser.parse_args()
    subjects = [Subject("Slotway", [str(args.slotway.resolve()), "server"]), Subject("Redis", [args.redis])]
    samples = {}
    for round_number in range(args.rounds):
        for subject in subjects if round_number % 2 == 0 else subjects[::-1]:
            print(f"round {round_number + 1} of {args.rounds}: {subject.name}", file=sys.stderr)
            with subject.running(args.port, args.server_core) as (process, _):
                cli(args.port, "SET", "key", "value")
                cli(args.port, "FUNCTION", "LOAD", LIBRARY)
                for name, words in cases(cli(args.port, "SCRIPT", "LOAD", GET)):
                    load(args.port, args.client_core, words, args.commands // 10)
                    before = cpu_ns(process.pid)
                    load(args.port, args.client_core, words, args.commands)
                    cost = (cpu_ns(process.pid) - before) / args.commands
                    samples.setdefault((name, subject.name), []).append(cost)
    print(f"{machine()}; pipelines of {PIPELINE}, {CLIENTS} clients, medians of {args.rounds} rounds of {args.commands:,} calls.")
    print("\n| | Slotway, ns CPU | Redis, ns CPU | ours of theirs |\n|---|---:|---:|---:|")
    for name, _ in cases(""):
        ours, theirs = (statistics.median(samples[name, subject.name]) for subject in subjects)
        print(f"| {name} | {ours:,.0f} | {theirs:,.0f} | {ours / theirs:.2f} |")


if __name__ == "__main__":
    main()
