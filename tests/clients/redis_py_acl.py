"""redis-py's calls about users: makes some, is them, and is refused what they may not.

Usage: python redis_py_acl.py PORT RESP
"""

import sys

from redis import Redis
from redis.exceptions import AuthenticationError, NoPermissionError


def expect(actual, expected, what):
    """Fails unless the two are equal."""
    if actual != expected:
        raise SystemExit(f"{what}: expected {expected!r}, got {actual!r}")


def refused(error, call, what):
    """Fails unless the call raises this error."""
    try:
        answer = call()
    except error as raised:
        return str(raised)
    raise SystemExit(f"{what}: expected {error.__name__}, got {answer!r}")


def make(admin):
    """Two users, one with a selector."""
    made = admin.acl_setuser(
        "alice",
        enabled=True,
        reset=True,
        passwords=["+secret", "+other"],
        categories=["+@read", "-@dangerous"],
        commands=["+set", "+acl|whoami", "+publish"],
        keys=["app:*"],
        channels=["news.*"],
        selectors=[("+del", "%W~tmp:*")],
    )
    expect(made, True, "acl_setuser")
    expect(admin.acl_setuser("bob", enabled=False, nopass=True, reset=True), True, "acl_setuser")
    expect(sorted(admin.acl_users()), ["alice", "bob", "default"], "acl_users")
    user = admin.acl_getuser("alice")
    expect((user["enabled"], len(user["passwords"])), (True, 2), "acl_getuser")
    expect(user["categories"], ["-@all", "+@read", "-@dangerous"], "acl_getuser")
    expect(user["commands"], ["+set", "+acl|whoami", "+publish"], "acl_getuser")
    expect(admin.acl_getuser("nobody"), None, "acl_getuser")
    expect(len([line for line in admin.acl_list() if line.startswith("user alice on ")]), 1, "acl_list")


def be(alice):
    """What alice may do, and what she may not."""
    expect(alice.acl_whoami(), "alice", "acl_whoami")
    expect(alice.set("app:1", "v"), True, "SET")
    expect(alice.get("app:1"), "v", "GET")
    expect(alice.publish("news.art", "x"), 0, "PUBLISH")
    expect(alice.delete("tmp:1"), 0, "DEL")
    said = refused(NoPermissionError, lambda: alice.lpush("app:2", "x"), "LPUSH")
    expect(said, "User alice has no permissions to run the 'lpush' command", "LPUSH")
    expect(refused(NoPermissionError, lambda: alice.get("b"), "GET"), "No permissions to access a key", "GET")
    refused(NoPermissionError, lambda: alice.delete("app:1"), "DEL")
    refused(NoPermissionError, lambda: alice.publish("other", "x"), "PUBLISH")
    with alice.pipeline(transaction=False) as pipe:
        answers = pipe.get("app:1").get("b").execute(raise_on_error=False)
    expect((answers[0], type(answers[1])), ("v", NoPermissionError), "a pipeline")


def ask(admin):
    """The rest of ACL."""
    expect(admin.acl_dryrun("alice", "get", "app:1"), "OK", "acl_dryrun")
    expect(admin.acl_dryrun("alice", "get", "b"), "User alice has no permissions to access the 'b' key", "acl_dryrun")
    expect("geo" in admin.acl_cat() and "geoadd" in admin.acl_cat("geo"), True, "acl_cat")
    expect(len(admin.acl_genpass()), 64, "acl_genpass")
    entry = admin.acl_log(1)[0]
    expect((entry["username"], entry["context"], entry["object"]), ("alice", "toplevel", "b"), "acl_log")
    # With RESP3 redis-py leaves it as it came.
    client = entry["client-info"]
    is_hers = "user=alice " in client if isinstance(client, str) else client["user"] == "alice"
    expect(is_hers, True, "acl_log")
    expect(admin.acl_log_reset(), True, "acl_log_reset")
    expect(admin.acl_log(), [], "acl_log")


def main():
    port, protocol = int(sys.argv[1]), int(sys.argv[2])
    options = {"port": port, "protocol": protocol, "decode_responses": True}
    admin = Redis(**options)
    make(admin)
    be(Redis(username="alice", password="other", **options))
    ask(admin)
    refused(AuthenticationError, Redis(username="alice", password="wrong", **options).ping, "a wrong password")
    refused(AuthenticationError, Redis(username="bob", password="x", **options).ping, "a user who is off")
    expect(admin.acl_deluser("alice", "bob"), 2, "acl_deluser")
    refused(AuthenticationError, Redis(username="alice", password="other", **options).ping, "a user who is gone")


main()
