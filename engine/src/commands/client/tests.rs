use crate::session::{After, ClientId};
use crate::testing::TestClient;

#[test]
fn names_and_libraries_are_kept_and_taken_away() {
    let mut client = TestClient::new();
    assert_eq!(client.run("CLIENT GETNAME"), "$-1\r\n");
    assert_eq!(client.run("CLIENT SETNAME worker"), "+OK\r\n");
    assert_eq!(client.run("CLIENT GETNAME"), "$6\r\nworker\r\n");
    assert_eq!(client.run("CLIENT SETNAME ''"), "+OK\r\n");
    assert_eq!(client.run("CLIENT GETNAME"), "$-1\r\n");
    assert_eq!(client.run("CLIENT SETINFO Lib-Name py"), "+OK\r\n");
    assert_eq!(client.session.lib_name, "py");
}

#[test]
fn names_and_attributes_are_printable_words() {
    let mut client = TestClient::new();
    for (line, error) in [
        ("CLIENT SETNAME 'a b'", "ERR Client names cannot contain spaces, newlines or special characters."),
        (
            "CLIENT SETINFO LIB-VER 'a b'",
            "ERR LIB-VER cannot contain spaces, newlines or special characters.",
        ),
        ("CLIENT SETINFO color red", "ERR Unrecognized option 'color'"),
        ("CLIENT NO-EVICT maybe", "ERR syntax error"),
        ("CLIENT REPLY maybe", "ERR syntax error"),
    ] {
        assert_eq!(client.run(line), alloc::format!("-{error}\r\n"));
    }
}

#[test]
fn list_shows_each_connection_in_a_line() {
    let mut client = TestClient::new();
    let mut other = client.another();
    other.run("CLIENT SETNAME b");
    other.run("CLIENT NO-TOUCH on");
    client.node().advance_ms(2500);
    assert_eq!(
        client.run("CLIENT LIST ID 2 7 2").lines().nth(1).unwrap(),
        "id=2 addr=127.0.0.1:50002 laddr=127.0.0.1:6379 fd=8 name=b age=2 idle=2 flags=T db=0 sub=0 psub=0 ssub=0 \
         multi=-1 qbuf=0 qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl=0 oll=0 omem=0 tot-mem=0 events=r \
         cmd=client|no-touch user=default redir=-1 resp=2 lib-name= lib-ver="
    );
    assert_eq!(client.run("CLIENT LIST").matches("id=").count(), 2);
    assert!(
        client.run("CLIENT INFO").contains("id=1 ")
            && client.run("CLIENT INFO").contains(" cmd=client|info ")
    );
    assert_eq!(client.run("CLIENT LIST TYPE replica"), "$0\r\n\r\n");
    assert_eq!(client.run("CLIENT LIST TYPE robot"), "-ERR Unknown client type 'robot'\r\n");
    assert_eq!(client.run("CLIENT LIST ID x"), "-ERR Invalid client ID\r\n");
    assert_eq!(client.run("CLIENT LIST ID"), "-ERR syntax error\r\n");
}

#[test]
fn kill_by_address_must_find_somebody() {
    let mut client = TestClient::new();
    let other = client.another();
    assert_eq!(client.run("CLIENT KILL 127.0.0.1:1"), "-ERR No such client\r\n");
    assert_eq!(client.run(&alloc::format!("CLIENT KILL {}", other.session.address)), "+OK\r\n");
    assert_eq!(*client.node().killed.borrow(), [ClientId(2)]);
}

#[test]
fn kill_by_filters_spares_the_asking_connection_unless_told() {
    let mut client = TestClient::new();
    let _others = [client.another(), client.another()];
    assert_eq!(client.run("CLIENT KILL ID 9 TYPE normal"), ":0\r\n");
    assert_eq!(client.run("CLIENT KILL TYPE pubsub"), ":0\r\n");
    assert_eq!(client.run("CLIENT KILL USER default LADDR 127.0.0.1:6379"), ":2\r\n");
    assert_eq!(client.session.after, After::Continue);
    assert_eq!(client.run("CLIENT KILL ID 1 SKIPME no"), ":1\r\n");
    assert_eq!(client.session.after, After::Close);
}

#[test]
fn kill_refuses_filters_that_are_none() {
    let mut client = TestClient::new();
    for (line, error) in [
        ("CLIENT KILL ID 0 SKIPME no", "ERR client-id should be greater than 0"),
        ("CLIENT KILL ID x SKIPME no", "ERR client-id should be greater than 0"),
        ("CLIENT KILL USER bob", "ERR No such user 'bob'"),
        ("CLIENT KILL TYPE robot", "ERR Unknown client type 'robot'"),
        ("CLIENT KILL SKIPME maybe", "ERR syntax error"),
        ("CLIENT KILL ID 1 ADDR", "ERR syntax error"),
    ] {
        assert_eq!(client.run(line), alloc::format!("-{error}\r\n"));
    }
}

#[test]
fn replies_can_be_switched_off_and_skipped() {
    let mut client = TestClient::new();
    assert_eq!(client.run("CLIENT REPLY SKIP"), "");
    assert_eq!(client.run("PING"), "");
    assert_eq!(client.run("PING"), "+PONG\r\n");
    assert_eq!(client.run("CLIENT REPLY OFF"), "");
    assert_eq!(client.run("CLIENT REPLY SKIP"), "");
    assert_eq!(client.run("CLIENT KILL ID 0 ADDR x"), "");
    assert_eq!(client.run("PING"), "");
    assert_eq!(client.run("CLIENT REPLY ON"), "+OK\r\n");
}

#[test]
fn help_tells_of_all_that_is_served() {
    let help = TestClient::new().run("CLIENT HELP");
    assert!(
        help.starts_with('*')
            && help.contains("+GETNAME\r\n+    Return the name of the current connection.\r\n")
    );
    assert!(help.contains("+TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]]\r\n"));
    assert!(help.ends_with("+HELP\r\n+    Print this help.\r\n"));
}

#[test]
fn list_shows_what_each_connection_is_doing() {
    let mut client = TestClient::new();
    let (mut queues, mut waits, mut tracks) = (client.another(), client.another(), client.another());
    for line in ["MULTI", "SET a 1", "GET a"] {
        queues.run(line);
    }
    waits.run("BLPOP q 0");
    tracks.run("CLIENT TRACKING on BCAST");
    let list = client.run("CLIENT LIST");
    let line =
        |number: usize| list.lines().find(|line| line.contains(&alloc::format!("id={number} "))).unwrap();
    assert!(line(2).contains(" flags=x ") && line(2).contains(" multi=2 "), "{list}");
    assert!(line(2).contains(" multi-mem=9 ") && line(2).contains(" tot-mem=9 "), "{list}");
    assert!(line(3).contains(" flags=b "), "{list}");
    assert!(line(4).contains(" flags=tB ") && line(4).contains(" redir=0 "), "{list}");
}
