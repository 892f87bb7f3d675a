//! The `redis` crate: every data type, a blocking pop and a scan, through its cluster client.

use std::thread;
use std::time::Duration;

use redis::cluster::{ClusterClient, ClusterConnection};
use redis::{Commands, Direction, RedisResult, Value, cmd};

/// Runs all of it and removes the keys. Panics on a wrong reply.
pub(crate) fn run(client: &ClusterClient) -> RedisResult<()> {
    let mut connection = client.get_connection()?;
    lists_and_hashes(&mut connection)?;
    sets_and_sorted_sets(&mut connection)?;
    streams(&mut connection)?;
    places_and_sketches(&mut connection)?;
    blocking(client, &mut connection)?;
    let names = ["l", "l2", "h", "s1", "s2", "z", "x", "g", "p", "b"].map(key);
    assert_eq!(connection.del::<_, usize>(&names[..])?, names.len());
    Ok(())
}

/// A key of the slot that all of these keys share.
fn key(name: &str) -> String {
    format!("{{rust types}}{name}")
}

fn lists_and_hashes(connection: &mut ClusterConnection) -> RedisResult<()> {
    assert_eq!(connection.rpush::<_, _, usize>(key("l"), &["a", "b", "c"])?, 3);
    let moved: String = connection.lmove(key("l"), key("l2"), Direction::Left, Direction::Right)?;
    assert_eq!(moved, "a");
    assert_eq!(connection.lrange::<_, Vec<String>>(key("l"), 0, -1)?, ["b", "c"]);
    let fields: Vec<(String, usize)> = (0..600).map(|n| (format!("f{n}"), n)).collect();
    connection.hset_multiple::<_, _, _, ()>(key("h"), &fields)?;
    assert_eq!(connection.hincr::<_, _, _, i64>(key("h"), "f7", 3)?, 10);
    assert_eq!(connection.hlen::<_, usize>(key("h"))?, 600);
    let (cursor, page): (u64, Vec<String>) =
        cmd("HSCAN").arg(key("h")).arg("0").arg("COUNT").arg(10).query(connection)?;
    assert!(cursor != 0 && !page.is_empty(), "six hundred fields do not come at once");
    Ok(())
}

fn sets_and_sorted_sets(connection: &mut ClusterConnection) -> RedisResult<()> {
    let numbers: Vec<usize> = (0..600).collect();
    assert_eq!(connection.sadd::<_, _, usize>(key("s1"), &numbers)?, 600);
    assert_eq!(connection.sadd::<_, _, usize>(key("s2"), &["1", "x"])?, 2);
    assert_eq!(connection.sinter::<_, Vec<String>>(&[key("s1"), key("s2")][..])?, ["1"]);
    assert!(connection.sismember::<_, _, bool>(key("s1"), 599)?);
    let members: Vec<(usize, String)> = (0..200).map(|n| (n, format!("m{n}"))).collect();
    assert_eq!(connection.zadd_multiple::<_, _, _, usize>(key("z"), &members)?, 200);
    assert_eq!(connection.zrank::<_, _, usize>(key("z"), "m150")?, 150);
    let least: Vec<(String, f64)> = connection.zpopmin(key("z"), 2)?;
    assert_eq!(least, [("m0".to_string(), 0.0), ("m1".to_string(), 1.0)]);
    assert_eq!(connection.zrangebyscore::<_, _, _, Vec<String>>(key("z"), "(198", "+inf")?, ["m199"]);
    Ok(())
}

fn streams(connection: &mut ClusterConnection) -> RedisResult<()> {
    let add = |id: &str| cmd("XADD").arg(key("x")).arg(id).arg("n").arg(1).to_owned();
    assert_eq!(add("1-1").query::<String>(connection)?, "1-1");
    assert_eq!(add("1-*").query::<String>(connection)?, "1-2");
    let mut create = cmd("XGROUP");
    create.arg("CREATE").arg(key("x")).arg("group").arg("0").query::<()>(connection)?;
    let mut read = cmd("XREADGROUP");
    read.arg("GROUP").arg("group").arg("alice").arg("STREAMS").arg(key("x")).arg(">");
    assert!(!matches!(read.query::<Value>(connection)?, Value::Nil));
    let ack: usize = cmd("XACK").arg(key("x")).arg("group").arg("1-1").arg("1-2").query(connection)?;
    assert_eq!(ack, 2);
    Ok(())
}

fn places_and_sketches(connection: &mut ClusterConnection) -> RedisResult<()> {
    let mut add = cmd("GEOADD");
    add.arg(key("g")).arg("13.361389").arg("38.115556").arg("Palermo");
    assert_eq!(add.arg("15.087269").arg("37.502669").arg("Catania").query::<usize>(connection)?, 2);
    let distance: f64 = cmd("GEODIST").arg(key("g")).arg("Palermo").arg("Catania").query(connection)?;
    assert_eq!(distance, 166_274.151_6);
    assert!(connection.pfadd::<_, _, bool>(key("p"), &["a", "b", "c"])?);
    assert_eq!(connection.pfcount::<_, usize>(key("p"))?, 3);
    assert!(!connection.setbit::<_, bool>(key("b"), 9, true)?);
    assert_eq!(connection.bitcount::<_, usize>(key("b"))?, 1);
    Ok(())
}

/// One client waits, another brings.
fn blocking(client: &ClusterClient, connection: &mut ClusterConnection) -> RedisResult<()> {
    let mut other = client.get_connection()?;
    let bringer = thread::spawn(move || {
        thread::sleep(Duration::from_millis(50));
        other.rpush::<_, _, usize>(key("q"), "v")
    });
    let popped: (String, String) = connection.blpop(key("q"), 20.0)?;
    assert_eq!(popped, (key("q"), "v".to_string()));
    assert_eq!(bringer.join().expect("it does not panic")?, 1);
    Ok(())
}
