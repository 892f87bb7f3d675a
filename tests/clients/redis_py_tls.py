"""redis-py over TLS: trusts the authority of a cluster and uses all of its primaries; whoever trusts another authority gets nowhere.

Usage: python redis_py_tls.py PORT FOLDER, where FOLDER has ca.crt
"""

import sys
from pathlib import Path

from redis.cluster import RedisCluster
from redis.exceptions import RedisClusterException

KEYS = 1000


def expect(actual, expected, what):
    """Fails unless the two are equal."""
    if actual != expected:
        raise SystemExit(f"{what}: expected {expected!r}, got {actual!r}")


def main(port, folder):
    """Everything; says nothing if all is well."""
    trusted = {"ssl": True, "ssl_ca_certs": str(folder / "ca.crt")}
    client = RedisCluster(host="127.0.0.1", port=port, **trusted)
    for number in range(KEYS):
        client.set(f"key:{number}", number)
    for number in range(KEYS):
        expect(client.get(f"key:{number}"), str(number).encode(), f"key:{number}")
    used = {client.get_node_from_key(f"key:{number}").port for number in range(KEYS)}
    expect(used, {node.port for node in client.get_primaries()}, "primaries that were used")
    client.close()
    try:
        # What this system trusts, of which that authority is none.
        RedisCluster(host="127.0.0.1", port=port, ssl=True)
    except RedisClusterException as refused:
        expect("CERTIFICATE_VERIFY_FAILED" in str(refused), True, f"the reason, {refused}")
    else:
        raise SystemExit("a certificate of nobody known was trusted")


main(int(sys.argv[1]), Path(sys.argv[2]))
