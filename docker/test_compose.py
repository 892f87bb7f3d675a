"""A cluster of six containers, as compose.yaml makes it, through the troubles of its life.

Writers work all the time, from this machine by the published ports and from within the network of the containers. Whatever a
replica has acknowledged (WAIT) must be there at the end. Nothing waits for a fixed time.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from redis.backoff import ConstantBackoff
from redis.cluster import RedisCluster
from redis.exceptions import RedisClusterException, RedisError
from redis.retry import Retry

ROOT = Path(__file__).resolve().parent.parent
NODES = [f"node-{number}" for number in range(1, 7)]
SLOTS = 16384
# What clients meet while nodes come and go; that no node can be reached is none of the library's other errors.
TROUBLE = (RedisError, RedisClusterException, OSError)
# What has not come about by then never will, in seconds.
PATIENCE = 90
CLIENT_TIMEOUT = 2


def run(*words, check=True, **more):
    """Runs a command; its standard output."""
    done = subprocess.run(words, check=False, capture_output=True, text=True, **{"cwd": ROOT} | more)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(words)} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout.strip()


class Compose:
    """One project of docker-compose."""

    def __init__(self, file, name):
        self.command = ["docker-compose", "--file", str(ROOT / file), "--project-name", name]
        self.name = name

    def __call__(self, *words, check=True):
        return run(*self.command, *words, check=check)

    def container(self, service):
        return self("ps", "--quiet", service)

    def end(self):
        self("down", "--volumes", "--timeout", "5", check=False)


def inspect(container, form):
    return run("docker", "inspect", "--format", form, container)


def eventually(what, is_so):
    """Waits until it is so; how long that took, in seconds."""
    begin = time.monotonic()
    while True:
        try:
            if is_so():
                return time.monotonic() - begin
        except (*TROUBLE, AssertionError, subprocess.SubprocessError):
            pass
        if time.monotonic() - begin > PATIENCE:
            raise AssertionError(f"{what}: not within {PATIENCE} s")
        time.sleep(0.05)


def client(host, port):
    """A cluster client that does not give up while a node is replaced."""
    retry = Retry(ConstantBackoff(0.1), PATIENCE * 5)
    return RedisCluster(host=host, port=port, socket_timeout=CLIENT_TIMEOUT, socket_connect_timeout=CLIENT_TIMEOUT,
                        retry=retry)


class Writer(threading.Thread):
    """Writes key after key. What a replica has acknowledged is in `kept`."""

    def __init__(self, name, ports):
        super().__init__(name=name, daemon=True)
        self.ports, self.kept, self.lost_contact = ports, [], 0
        self.over = threading.Event()

    def run(self):
        connection, number = None, 0
        while not self.over.is_set():
            try:
                connection = connection or self.connect()
                key = f"{self.name}:{number}"
                connection.set(key, number)
                node = connection.get_node_from_key(key)
                if connection.execute_command("WAIT", 1, 500, target_nodes=node) >= 1:
                    self.kept.append((key, number))
                number += 1
            except TROUBLE:
                self.lost_contact += 1
                connection = None
                time.sleep(0.05)

    def connect(self):
        for port in self.ports:
            try:
                return RedisCluster(host="127.0.0.1", port=port, socket_timeout=CLIENT_TIMEOUT,
                                    socket_connect_timeout=CLIENT_TIMEOUT)
            except TROUBLE:
                continue
        raise OSError("no node takes a connection")

    def end(self):
        self.over.set()
        self.join(timeout=PATIENCE)


class Cluster:
    """The cluster of compose.yaml."""

    def __init__(self):
        self.compose = Compose("compose.yaml", f"slotway-test-{os.getpid()}")
        self.ports = [7001 + number for number in range(len(NODES))]

    def cli(self, service, *words):
        return run("docker", "exec", self.compose.container(service), "redis-cli", *words)

    def is_whole(self, services=None):
        """Every one of these nodes calls the cluster well; all of them also have their data, and know nobody who has failed."""
        for service in services or NODES:
            if "cluster_state:ok" not in self.cli(service, "cluster", "info"):
                return False
            lines = self.cli(service, "cluster", "nodes").splitlines()
            if services is None and (len(lines) != len(NODES) or any("fail" in line for line in lines)):
                return False
            role = self.cli(service, "role").splitlines()
            if services is None and role[0] == "slave" and role[3] != "connected":
                return False
        return True

    def is_healthy(self, service):
        return inspect(self.compose.container(service), "{{.State.Health.Status}}") == "healthy"

    def primary(self):
        """A service whose node has slots."""
        for service in NODES:
            role = self.cli(service, "role").splitlines()
            if role and role[0] == "master" and int(self.cli(service, "dbsize")) > 0:
                return service
        raise AssertionError("no primary has keys")

    def addresses(self):
        form = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        return {service: inspect(self.compose.container(service), form) for service in NODES}

    def network(self):
        return f"{self.compose.name}_default"


def forms_itself(cluster):
    begin = time.monotonic()
    cluster.compose("up", "--detach")
    up = time.monotonic() - begin
    ready = eventually("the cluster is ready", cluster.is_whole)
    eventually("all containers are healthy", lambda: all(cluster.is_healthy(service) for service in NODES))
    return f"containers made in {up:.1f} s, the cluster ready {ready:.1f} s later, without a command"


def writes_everywhere(host, port, reachable):
    """A key in every slot, written and read by a cluster client, which is told no node but those that it can reach."""
    connection = client(host, port)
    keys = {}
    number = 0
    while len(keys) < SLOTS:
        key = f"slot:{number}"
        keys.setdefault(connection.keyslot(key), key)
        number += 1
    names = list(keys.values())
    for first in range(0, len(names), 1000):
        with connection.pipeline() as pipeline:
            for name in names[first:first + 1000]:
                pipeline.set(name, name)
            assert all(pipeline.execute())
    for first in range(0, len(names), 1000):
        with connection.pipeline() as pipeline:
            for name in names[first:first + 1000]:
                pipeline.get(name)
            assert pipeline.execute() == [name.encode() for name in names[first:first + 1000]]
    told = {node.name for node in connection.get_nodes()}
    assert told <= reachable and len(told) >= 3, f"told {told}, reachable {reachable}"
    return f"{len(names)} slots written and read; nodes at {' '.join(sorted(told))}"


def serves_the_host(cluster):
    return writes_everywhere("127.0.0.1", cluster.ports[0], {f"127.0.0.1:{port}" for port in cluster.ports})


def serves_another_client_library(cluster):
    script = """
        import { Cluster } from 'ioredis'
        const cluster = new Cluster([{ host: '127.0.0.1', port: 7001 }])
        for (let i = 0; i < 2000; i++) {
            await cluster.set(`ioredis:${i}`, i)
            if (await cluster.get(`ioredis:${i}`) !== String(i)) throw new Error(`key ${i}`)
        }
        console.log(cluster.nodes('all').map((node) => node.options.port).sort().join(' '))
        await cluster.quit()
    """
    def knows_all():
        # A replica is listed only once its first offset has been heard, as with Redis.
        told = run("node", "--input-type=module", "--eval", script, cwd=ROOT / "tests/clients", timeout=PATIENCE)
        return told == " ".join(map(str, cluster.ports))

    eventually("ioredis knows all six ports", knows_all)
    return "ioredis knows all six ports"


def serves_the_network_of_the_containers(cluster):
    """A client with the network of a container of its own, which has no published port."""
    container = run("docker", "run", "--detach", "--network", cluster.network(), os.environ["SLOTWAY_IMAGE"])
    try:
        pid = inspect(container, "{{.State.Pid}}")
        addresses = cluster.addresses().values()
        return run("nsenter", f"--net=/proc/{pid}/ns/net", sys.executable, __file__, "--client", *addresses)
    finally:
        run("docker", "rm", "--force", "--volumes", container)


def loses_nothing(cluster, trouble, mend, is_noticed=lambda cluster, victim: True):
    """A trouble comes while clients write; the cluster mends itself, and has what was acknowledged."""
    writers = [Writer(f"{trouble.__name__}-{number}", cluster.ports) for number in range(2)]
    for writer in writers:
        writer.start()
    eventually("the writers are at work", lambda: all(len(writer.kept) > 20 for writer in writers))
    victim = trouble(cluster)
    before = [len(writer.kept) for writer in writers]
    try:
        eventually("the trouble is noticed", lambda: is_noticed(cluster, victim))
        eventually("writes go on", lambda: all(len(writer.kept) > count + 50 for writer, count in zip(writers, before)))
    finally:
        mend(cluster, victim)
        whole = eventually("the cluster is whole again", cluster.is_whole)
        for writer in writers:
            writer.end()
    connection = client("127.0.0.1", cluster.ports[0])
    for writer in writers:
        lost = [key for key, number in writer.kept if connection.get(key) != str(number).encode()]
        assert not lost, f"{len(lost)} of {len(writer.kept)} keys lost: {lost[:5]}"
    return f"{sum(len(writer.kept) for writer in writers)} acknowledged keys are there; whole {whole:.1f} s after the trouble was over"


def kill(cluster):
    victim = cluster.primary()
    run("docker", "kill", cluster.compose.container(victim))
    return victim


def start(cluster, victim):
    run("docker", "start", cluster.compose.container(victim))


def freeze(cluster):
    victim = cluster.primary()
    run("docker", "pause", cluster.compose.container(victim))
    return victim


def has_a_successor(cluster, victim):
    others = [service for service in NODES if service != victim]
    return cluster.is_whole(others) and "fail" in cluster.cli(others[0], "cluster", "nodes")


def thaw(cluster, victim):
    run("docker", "unpause", cluster.compose.container(victim))


def cut_off(cluster):
    victim = cluster.primary()
    run("docker", "network", "disconnect", cluster.network(), cluster.compose.container(victim))
    return victim


def connect(cluster, victim):
    run("docker", "network", "connect", "--alias", victim, cluster.network(), cluster.compose.container(victim))


def restarts_elsewhere(cluster):
    """All containers end, others take their addresses, and they come back at new ones."""
    connection = client("127.0.0.1", cluster.ports[0])
    names = [f"restart:{number}" for number in range(500)]
    for name in names:
        connection.set(name, name)
    before = cluster.addresses()
    cluster.compose("stop")
    fillers = [run("docker", "run", "--detach", "--network", cluster.network(), os.environ["SLOTWAY_IMAGE"])
               for _ in range(7)]
    try:
        begin = time.monotonic()
        for service in reversed(NODES):
            start(cluster, service)
        after = cluster.addresses()
        moved = [service for service in NODES if before[service] != after[service]]
        assert len(moved) == len(NODES), f"only {moved} moved"
        eventually("the cluster is whole again", cluster.is_whole)
        took = time.monotonic() - begin
        connection = client("127.0.0.1", cluster.ports[0])
        assert all(connection.get(name) == name.encode() for name in names)
    finally:
        run("docker", "rm", "--force", "--volumes", *fillers)
    return f"all six at other addresses, whole after {took:.1f} s, with all keys"


def grows_and_shrinks(cluster):
    """Two more containers as the others are, which are given slots, emptied and taken away, as docs/kubernetes.md does it with pods."""
    writer = Writer("scaling", cluster.ports)
    writer.start()
    image, network = os.environ["SLOTWAY_IMAGE"], cluster.network()
    settings = json.loads(inspect(cluster.compose.container("node-1"), "{{json .Config.Env}}"))
    kept = [word for setting in settings if "CLIENT_PORT" not in setting for word in ("--env", setting)]
    ports = [7007, 7008]
    more = [run("docker", "run", "--detach", "--network", network, *kept, "--env", f"SLOTWAY_CLUSTER_CLIENT_PORT={port}",
                "--publish", f"127.0.0.1:{port}:{port}", image) for port in ports]
    try:
        def others_know(count):
            return lambda: all(len(cluster.cli(service, "cluster", "nodes").splitlines()) == count for service in NODES)

        def tool(*words):
            return run("docker", "exec", cluster.compose.container("node-1"), "slotway", "cluster", *words, "--yes")

        eventually("all know eight nodes", others_know(len(NODES) + 2))
        ids = [run("docker", "exec", container, "redis-cli", "cluster", "myid") for container in more]
        begin = time.monotonic()
        tool("reshard", "127.0.0.1:6379", "--from", "all", "--to", ids[0], "--slots", "4096")
        eventually("the other one becomes its replica by itself", lambda: ids[0] in next(
            line for line in cluster.cli("node-1", "cluster", "nodes").splitlines() if line.startswith(ids[1])).split()[3])
        assert int(run("docker", "exec", more[0], "redis-cli", "dbsize")) > 0
        grown = time.monotonic() - begin
        for container, name in reversed(list(zip(more, ids))):
            tool("del-node", "127.0.0.1:6379", "--node", name, "--move-slots")
            run("docker", "rm", "--force", "--volumes", container)
        eventually("all know six nodes", others_know(len(NODES)))
        shrunk = time.monotonic() - begin - grown
    finally:
        run("docker", "rm", "--force", "--volumes", *more, check=False)
    writer.end()
    connection = client("127.0.0.1", cluster.ports[0])
    lost = [key for key, number in writer.kept if connection.get(key) != str(number).encode()]
    assert not lost and len(writer.kept) > 100, f"{len(lost)} of {len(writer.kept)} keys lost: {lost[:5]}"
    return f"to eight in {grown:.1f} s, back to six in {shrunk:.1f} s; {len(writer.kept)} keys written meanwhile are there"


def stops_soon(cluster):
    begin = time.monotonic()
    cluster.compose("stop")
    codes = {inspect(cluster.compose.container(service), "{{.State.ExitCode}}") for service in NODES}
    assert codes == {"0"}, codes
    return f"six containers ended in {time.monotonic() - begin:.1f} s, with exit code 0"


def runs_in_one_container(_):
    compose = Compose("compose.dev.yaml", f"slotway-dev-{os.getpid()}")
    try:
        compose("up", "--detach")
        eventually("it is healthy",
                   lambda: inspect(compose.container("cluster"), "{{.State.Health.Status}}") == "healthy")
        told = writes_everywhere("127.0.0.1", 7000, {f"127.0.0.1:{port}" for port in range(7000, 7006)})
        page = run("curl", "-fsS", "http://127.0.0.1:7080/api/topology")
        assert json.loads(page)["state"] == "ok"
        return told
    finally:
        compose.end()


def works_with_testcontainers(_):
    """The code of docs/testcontainers.md, as it is printed there."""
    blocks = re.findall(r"```js\n(.*?)```", (ROOT / "docs/testcontainers.md").read_text(), re.DOTALL)
    recipe, use = blocks
    folder = ROOT / "tests/clients"
    image = os.environ["SLOTWAY_IMAGE"]
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        (Path(scratch) / "cluster.mjs").write_text(recipe)
        (Path(scratch) / "use.mjs").write_text(use.replace("startCluster()", f"startCluster({{ image: '{image}' }})"))
        # The container that cleans up after a crash is another image, which this machine may not have.
        environment = os.environ | {"TESTCONTAINERS_RYUK_DISABLED": "true"}
        told = run("node", "use.mjs", cwd=scratch, timeout=PATIENCE, env=environment)
    assert told == "Ada", told
    return "a cluster at random ports, found by node-redis"


# What the commands of the tutorial meet here: Compose of the first generation, other ports, no image by that name.
SHIM = r"""
set -eu
docker() {
  if [ "$1" != compose ]; then command docker "$@"; return; fi
  shift
  words= wait=
  for word in "$@"; do
    case $word in
      --wait) wait=yes ;;
      exec) words="$words exec -T" ;;
      *) words="$words $word" ;;
    esac
  done
  # shellcheck disable=SC2086
  docker-compose $words
  for container in ${wait:+$(docker-compose ps -q)}; do
    until [ "$(command docker inspect --format '{{.State.Health.Status}}' "$container")" = healthy ]; do sleep 0.2; done
  done
}
"""


def commands_of_the_tutorial(language):
    """The blocks of commands of one of its languages, without comments and without the building of the image."""
    text = (ROOT / f"docs/tutorial{language}.md").read_text()
    blocks = [re.sub(r" +# .*", "", block) for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL)]
    return [block for block in blocks if "make image" not in block]


def works_as_the_tutorial_says(_):
    """Every command of the tutorial, in its order; the translation has the same."""
    blocks = commands_of_the_tutorial("")
    assert blocks == commands_of_the_tutorial(".zh-CN"), "the languages differ"
    script = "\n".join(blocks).replace("-p 6379:", "-p 127.0.0.1:36379:").replace("-p 6380:", "-p 127.0.0.1:36380:")
    # The network of the six containers is made by hand there, so a check that they are one cluster belongs to them.
    check = "until docker exec six-1 redis-cli cluster info | grep cluster_state:ok; do sleep 0.2; done\n"
    script = script.replace("done\nredis-cli", f"done\n{check}redis-cli")
    names = ["redis", "configured", "by-file", "node-1"] + [f"six-{number}" for number in range(1, 7)]
    remove = lambda: run("docker", "rm", "--force", "--volumes", *names, check=False)
    remove()
    run("docker", "tag", os.environ["SLOTWAY_IMAGE"], "slotway")
    with tempfile.TemporaryDirectory() as scratch:
        os.chmod(scratch, 0o755)
        (Path(scratch) / "compose.yaml").write_text((ROOT / "compose.yaml").read_text())
        (Path(scratch) / "redis.conf").write_text("requirepass 123456\nlogfile \"\"\n")
        environment = os.environ | {"COMPOSE_PROJECT_NAME": f"tutorial{os.getpid()}", "SLOTWAY_IMAGE": "slotway"}
        try:
            told = run("bash", "-c", SHIM + script, cwd=scratch, timeout=3 * PATIENCE, env=environment)
            log = run("docker", "exec", "configured", "redis-cli", "-a", "123456", "--no-auth-warning", "config", "get", "logfile")
            kept = run("docker", "cp", "configured:/var/log/redis/redis-server.log", f"{scratch}/log")
            assert "Ready to accept connections" in (Path(scratch) / "log").read_text(), (log, kept)
        finally:
            subprocess.run(["docker-compose", "down", "--volumes"], cwd=scratch, env=environment, capture_output=True)
            remove()
            run("docker", "network", "rm", "redis", check=False)
            run("docker", "volume", "rm", "redis-log", *names, check=False)
    lines = told.splitlines()
    assert "PONG" in lines and "world" in lines, told
    return f"{sum(block.count(chr(10)) for block in blocks)} lines of commands run as printed"


CHECKS = [
    ("six containers form a cluster by themselves", forms_itself),
    ("a client on this machine writes and reads every slot", serves_the_host),
    ("so does another library", serves_another_client_library),
    ("a client in the network of the containers is told their addresses", serves_the_network_of_the_containers),
    ("a killed container loses nothing acknowledged", lambda cluster: loses_nothing(cluster, kill, start)),
    ("neither does a frozen one", lambda cluster: loses_nothing(cluster, freeze, thaw, has_a_successor)),
    ("nor one that is cut off", lambda cluster: loses_nothing(cluster, cut_off, connect)),
    ("all containers may come back at other addresses", restarts_elsewhere),
    ("the cluster grows to eight and shrinks to six again", grows_and_shrinks),
    ("they end when they are told to", stops_soon),
    ("the recipe for Testcontainers works as printed", works_with_testcontainers),
    ("the tutorial works as printed", works_as_the_tutorial_says),
    ("one container is a whole cluster for this machine", runs_in_one_container),
]


def main():
    """All checks, or those whose sentence holds a word of the command line."""
    words = sys.argv[1:]
    checks = [check for check in CHECKS if not words or any(word in check[0] for word in words)]
    cluster = Cluster()
    failed = 0
    try:
        for sentence, check in checks:
            try:
                print(f"ok      {sentence}\n        {check(cluster)}", flush=True)
            except Exception as error:  # pylint: disable=broad-except
                failed += 1
                print(f"FAILED  {sentence}\n        {type(error).__name__}: {error}", flush=True)
                print(cluster.compose("logs", "--tail", "15", check=False), flush=True)
    finally:
        cluster.compose.end()
    print(f"{len(checks) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--client"]:
        print(writes_everywhere(sys.argv[2], 6379, {f"{address}:6379" for address in sys.argv[2:]}))
    else:
        main()
