//! ACL as clients meet it.

use alloc::string::String;

use crate::testing::TestClient;

const DENIED_GET: &str = "-NOPERM User alice has no permissions to run the 'get' command\r\n";
const DENIED_KEY: &str = "-NOPERM No permissions to access a key\r\n";
const DENIED_CHANNEL: &str = "-NOPERM No permissions to access a channel\r\n";

/// An administrator, and somebody who has become alice, who has these rules.
fn admin_and_alice(rules: &str) -> (TestClient, TestClient) {
    let mut admin = TestClient::new();
    assert_eq!(admin.run(&alloc::format!("ACL SETUSER alice on >secret {rules}")), "+OK\r\n");
    let mut alice = admin.another();
    assert_eq!(alice.run("AUTH alice secret"), "+OK\r\n");
    (admin, alice)
}

#[test]
fn a_user_does_what_it_may_and_no_more() {
    let (mut admin, mut alice) =
        admin_and_alice("%R~a* ~b* &news.* +get +set +acl|whoami +publish +subscribe");
    assert_eq!(alice.run("ACL WHOAMI"), "$5\r\nalice\r\n");
    assert_eq!(alice.run("SET b1 v"), "+OK\r\n");
    assert_eq!(alice.run("GET a1"), "$-1\r\n");
    assert_eq!(alice.run("SET a1 v"), DENIED_KEY);
    assert_eq!(alice.run("GET c"), DENIED_KEY);
    assert_eq!(alice.run("DEL b1"), "-NOPERM User alice has no permissions to run the 'del' command\r\n");
    assert_eq!(
        alice.run("ACL LIST"),
        "-NOPERM User alice has no permissions to run the 'acl|list' command\r\n"
    );
    assert_eq!(alice.run("PUBLISH news.art x"), ":0\r\n");
    assert_eq!(alice.run("PUBLISH other x"), DENIED_CHANNEL);
    assert_eq!(admin.run("ACL SETUSER alice -get"), "+OK\r\n");
    assert_eq!(alice.run("GET b1"), DENIED_GET);
}

#[test]
fn unknown_commands_and_wrong_arities_come_first() {
    let (_, mut alice) = admin_and_alice("");
    assert!(alice.run("NOSUCH").starts_with("-ERR unknown command"));
    assert!(alice.run("GET").starts_with("-ERR wrong number of arguments"));
    assert_eq!(alice.run("GET k"), DENIED_GET);
}

#[test]
fn who_may_not_queue_spoils_the_transaction() {
    let (_, mut alice) = admin_and_alice("~* +get +multi +exec");
    assert_eq!(alice.run("MULTI"), "+OK\r\n");
    assert_eq!(alice.run("GET k"), "+QUEUED\r\n");
    assert!(alice.run("SET k v").starts_with("-NOPERM"));
    assert!(alice.run("EXEC").starts_with("-EXECABORT"));
}

#[test]
fn who_may_not_execute_loses_the_transaction() {
    let (_, mut alice) = admin_and_alice("~* +get +multi");
    for (request, reply) in [("MULTI", "+OK\r\n"), ("GET k", "+QUEUED\r\n")] {
        assert_eq!(alice.run(request), reply);
    }
    let aborted = "-EXECABORT Transaction discarded because of: NOPERM User alice has no permissions to run the 'exec' command\r\n";
    assert_eq!(alice.run("EXEC"), aborted);
    assert_eq!(alice.run("GET k"), "$-1\r\n");
}

#[test]
fn what_was_queued_is_asked_about_again() {
    let (mut admin, mut alice) = admin_and_alice("~* +get +set +multi +exec");
    for (request, reply) in [("MULTI", "+OK\r\n"), ("GET k", "+QUEUED\r\n"), ("SET k v", "+QUEUED\r\n")] {
        assert_eq!(alice.run(request), reply);
    }
    admin.run("ACL SETUSER alice -set resetkeys ~k");
    assert_eq!(
        alice.run("EXEC"),
        "*2\r\n$-1\r\n-NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is no longer allowed for the following reason: no permission to execute the command or subcommand\r\n"
    );
    let log = admin.run("ACL LOG 1");
    for part in
        ["$7\r\ncommand\r\n", "$5\r\nmulti\r\n", "$3\r\nset\r\n", "$5\r\nalice\r\n", "user=alice", "cmd=set"]
    {
        assert!(log.contains(part), "{part:?} in {log}");
    }
}

#[test]
fn who_waits_needs_permission_when_served() {
    let (mut admin, mut alice) = admin_and_alice("~* +blpop");
    assert_eq!(alice.run("BLPOP list 0"), "");
    admin.run("ACL SETUSER alice resetkeys");
    assert_eq!(admin.run("RPUSH list x"), ":1\r\n");
    assert_eq!(alice.received(), DENIED_KEY);
    assert_eq!(admin.run("LLEN list"), ":1\r\n");
}

#[test]
fn wrong_passwords_are_refused_and_logged() {
    let (mut admin, mut alice) = admin_and_alice("");
    let wrong = "-WRONGPASS invalid username-password pair or user is disabled.\r\n";
    assert_eq!(alice.run("AUTH alice wrong"), wrong);
    assert_eq!(alice.run("hello 3 AUTH bob secret"), wrong);
    assert!(alice.run("AUTH secret").starts_with("-ERR AUTH <password> called without any password"));
    let log = admin.run("ACL LOG");
    for part in ["$4\r\nauth\r\n", "$4\r\nAUTH\r\n", "$5\r\nhello\r\n", "$3\r\nbob\r\n"] {
        assert!(log.contains(part), "{part:?} in {log}");
    }
    admin.run("ACL SETUSER alice off");
    assert_eq!(alice.run("AUTH alice secret"), wrong);
    assert!(admin.run("INFO stats").contains("acl_access_denied_auth:3\r\n"));
    assert_eq!(admin.run("ACL LOG RESET"), "+OK\r\n");
    assert_eq!(admin.run("ACL LOG"), "*0\r\n");
}

#[test]
fn requirepass_is_the_password_of_the_default_user() {
    let mut admin = TestClient::new();
    admin.run("CONFIG SET requirepass secret");
    let mut other = admin.another();
    assert_eq!(other.run("PING"), "-NOAUTH Authentication required.\r\n");
    assert_eq!(other.run("AUTH secret"), "+OK\r\n");
    assert_eq!(other.run("PING"), "+PONG\r\n");
    let mut third = admin.another();
    admin.run("ACL SETUSER default nopass");
    assert_eq!(third.run("PING"), "+PONG\r\n");
    admin.run("ACL SETUSER default off");
    assert_eq!(admin.another().run("PING"), "-NOAUTH Authentication required.\r\n");
}

#[test]
fn users_who_are_removed_are_disconnected() {
    let (mut admin, alice) = admin_and_alice("+@all ~*");
    assert_eq!(admin.run("ACL DELUSER alice nosuch"), ":1\r\n");
    assert_eq!(*admin.node().killed.borrow(), [alice.id()]);
    assert_eq!(admin.run("ACL DELUSER default"), "-ERR The 'default' user cannot be removed\r\n");
    assert_eq!(admin.run("ACL USERS"), "*1\r\n$7\r\ndefault\r\n");
}

#[test]
fn listeners_who_lose_their_channel_are_disconnected() {
    let (mut admin, mut alice) = admin_and_alice("+@all &a &b*");
    alice.run("SUBSCRIBE b1");
    admin.run("ACL SETUSER alice &c");
    admin.run("ACL SETUSER alice resetchannels &b1");
    assert!(admin.node().killed.borrow().is_empty());
    admin.run("ACL SETUSER alice resetchannels &b2");
    assert_eq!(*admin.node().killed.borrow(), [alice.id()]);
}

#[test]
fn a_wrong_rule_is_named() {
    let mut admin = TestClient::new();
    assert_eq!(
        admin.run("ACL SETUSER bob on +nosuch"),
        "-ERR Error in ACL SETUSER modifier '+nosuch': Unknown command or category name in ACL\r\n"
    );
    assert_eq!(admin.run("ACL GETUSER bob"), "$-1\r\n");
    assert!(admin.run("ACL SETUSER bob allkeys ~x").contains("'~x': Adding a pattern after the * pattern"));
    assert!(
        admin.run("ACL SETUSER bob (~x").contains("Unmatched parenthesis in acl selector starting at '(~x'.")
    );
}

#[test]
fn a_user_is_shown_in_parts_or_in_a_line() {
    let mut admin = TestClient::new();
    admin.run("ACL SETUSER bob on nopass %R~a &c +get (~b +@read)");
    assert_eq!(
        admin.run("ACL LIST"),
        "*2\r\n$100\r\nuser bob on nopass sanitize-payload %R~a resetchannels &c -@all +get (~b resetchannels -@all +@read)\r\n$51\r\nuser default on nopass sanitize-payload ~* &* +@all\r\n"
    );
    let shown = admin.resp3().run("ACL GETUSER bob");
    assert!(
        shown.contains("%6\r\n$5\r\nflags\r\n~3\r\n$2\r\non\r\n$6\r\nnopass\r\n$16\r\nsanitize-payload\r\n")
    );
    assert!(shown.ends_with("$9\r\nselectors\r\n*1\r\n%3\r\n$8\r\ncommands\r\n$12\r\n-@all +@read\r\n$4\r\nkeys\r\n$2\r\n~b\r\n$8\r\nchannels\r\n$0\r\n\r\n"));
}

#[test]
fn dryrun_tells_what_is_missing() {
    let (mut admin, _) = admin_and_alice("~a +get +subscribe");
    assert_eq!(admin.run("ACL DRYRUN alice GET a"), "+OK\r\n");
    assert!(
        admin
            .run("ACL DRYRUN alice GET b")
            .ends_with("User alice has no permissions to access the 'b' key\r\n")
    );
    assert!(admin.run("ACL DRYRUN alice SUBSCRIBE c").ends_with("access the 'c' channel\r\n"));
    assert!(
        admin.run("ACL DRYRUN alice SET a v").ends_with("has no permissions to run the 'set' command\r\n")
    );
    assert_eq!(admin.run("ACL DRYRUN bob GET a"), "-ERR User 'bob' not found\r\n");
    assert_eq!(admin.run("ACL DRYRUN alice NOSUCH"), "-ERR Command 'NOSUCH' not found\r\n");
    assert_eq!(admin.run("ACL DRYRUN alice GET"), "-ERR wrong number of arguments for 'get' command\r\n");
}

#[test]
fn sort_by_other_keys_needs_to_read_all_of_them() {
    let (_, mut alice) = admin_and_alice("~l +sort +sort_ro (%R~* ~l +sort)");
    assert_eq!(alice.run("SORT l BY w_*"), "*0\r\n");
    let denied = |what: &str| {
        alloc::format!("-ERR {what} option of SORT denied due to insufficient ACL permissions.\r\n")
    };
    assert_eq!(alice.run("SORT_RO l BY w_*"), denied("BY"));
    assert_eq!(alice.run("SORT_RO l GET #"), denied("GET"));
    assert_eq!(alice.run("SORT_RO l BY nosort"), "*0\r\n");
}

#[test]
fn passwords_can_be_made() {
    let mut admin = TestClient::new();
    assert_eq!(admin.run("ACL GENPASS").len(), "$64\r\n\r\n".len() + 64);
    assert_eq!(admin.run("ACL GENPASS 5").len(), "$2\r\n\r\n".len() + 2);
    for wrong in ["0", "-1", "4097"] {
        assert!(admin.run(&alloc::format!("ACL GENPASS {wrong}")).contains("positive number up to 4096"));
    }
}

#[test]
fn categories_are_those_of_the_command_table() {
    let mut admin = TestClient::new();
    assert!(admin.run("ACL CAT").starts_with("*21\r\n$8\r\nkeyspace\r\n"));
    let geo = admin.run("ACL CAT GEO");
    assert!(geo.contains("$6\r\ngeoadd\r\n") && !geo.contains("$3\r\nget\r\n"));
    assert_eq!(admin.run("ACL CAT nosuch"), "-ERR Unknown category 'nosuch'\r\n");
    assert!(
        admin
            .run("ACL CAT a b")
            .starts_with("-ERR unknown subcommand or wrong number of arguments for 'CAT'")
    );
}

#[test]
fn a_file_is_saved_and_loaded() {
    let mut admin = TestClient::with_config("aclfile users.acl");
    admin.run("ACL SETUSER bob on nopass ~* +get");
    assert_eq!(admin.run("ACL SAVE"), "+OK\r\n");
    let text = String::from_utf8(admin.node().acl_file.borrow().clone()).expect("text");
    assert_eq!(
        text,
        "user bob on nopass sanitize-payload ~* resetchannels -@all +get\nuser default on nopass sanitize-payload ~* &* +@all\n"
    );
    let mut bob = admin.another();
    bob.run("AUTH bob x");
    admin.run("ACL SETUSER carol on");
    assert_eq!(admin.run("ACL LOAD"), "+OK\r\n");
    assert_eq!(admin.run("ACL USERS"), "*2\r\n$3\r\nbob\r\n$7\r\ndefault\r\n");
    // As in Redis 7.2, whoever is not the default user has to come anew.
    assert_eq!(*admin.node().killed.borrow(), [bob.id()]);
    admin.node().acl_file.replace(b"user bob nosuch".to_vec());
    assert!(
        admin.run("ACL LOAD").starts_with("-ERR users.acl:1: Syntax error. WARNING: ACL errors detected")
    );
    assert_eq!(admin.run("ACL USERS"), "*2\r\n$3\r\nbob\r\n$7\r\ndefault\r\n");
}

#[test]
fn without_a_file_there_is_nothing_to_load() {
    let mut admin = TestClient::new();
    for request in ["ACL LOAD", "ACL SAVE"] {
        assert!(
            admin.run(request).starts_with("-ERR This Redis instance is not configured to use an ACL file.")
        );
    }
}

#[test]
fn clients_are_found_by_their_user() {
    let (mut admin, alice) = admin_and_alice("");
    assert!(admin.run("CLIENT LIST").contains(" user=alice "));
    assert_eq!(admin.run("CLIENT KILL USER nosuch"), "-ERR No such user 'nosuch'\r\n");
    assert_eq!(admin.run("CLIENT KILL USER alice"), ":1\r\n");
    assert_eq!(*admin.node().killed.borrow(), [alice.id()]);
}
