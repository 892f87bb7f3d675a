use crate::testing::TestClient;

/// Two towns of Sicily under `towns`.
fn sicily() -> TestClient {
    let mut client = TestClient::new();
    client.run("GEOADD towns 13.361389 38.115556 Palermo 15.087269 37.502669 Catania");
    client
}

#[test]
fn distances_are_told_in_units_with_four_digits_behind_the_point() {
    let mut client = sicily();
    assert_eq!(client.run("GEODIST towns Palermo Catania"), "$11\r\n166274.1516\r\n");
    assert_eq!(client.run("GEODIST towns Palermo Catania km"), "$8\r\n166.2742\r\n");
    assert_eq!(client.run("GEODIST towns Palermo none"), "$-1\r\n");
    assert_eq!(
        client.run("GEODIST towns Palermo Catania cm"),
        "-ERR unsupported unit provided. please use M, KM, FT, MI\r\n"
    );
}

#[test]
fn a_search_finds_what_lies_in_its_shape_and_the_nearest_first_if_counted() {
    let mut client = sicily();
    let search = |client: &mut TestClient, area: &str| {
        client.run(&["GEOSEARCH towns FROMLONLAT 15 37 ", area].concat())
    };
    assert_eq!(search(&mut client, "BYRADIUS 100 km"), "*1\r\n$7\r\nCatania\r\n");
    assert_eq!(search(&mut client, "BYBOX 400 400 km COUNT 1"), "*1\r\n$7\r\nCatania\r\n");
    assert_eq!(search(&mut client, "BYRADIUS 200 km DESC COUNT 1"), "*1\r\n$7\r\nPalermo\r\n");
    assert_eq!(search(&mut client, "BYBOX 1 1 m"), "*0\r\n");
}

#[test]
fn a_stored_search_is_a_sorted_set_of_places_or_of_distances() {
    let mut client = sicily();
    assert_eq!(client.run("GEOSEARCHSTORE near towns FROMMEMBER Palermo BYRADIUS 1 km"), ":1\r\n");
    assert_eq!(client.run("ZSCORE near Palermo"), "$16\r\n3479099956230698\r\n");
    assert_eq!(client.run("GEORADIUS towns 15 37 200 km STOREDIST near"), ":2\r\n");
    assert_eq!(client.run("ZSCORE near Catania"), "$16\r\n56.4412578701582\r\n");
    assert_eq!(client.run("GEORADIUS towns 0 0 1 km STORE near"), ":0\r\n");
    assert_eq!(client.run("EXISTS near"), ":0\r\n");
}

#[test]
fn scores_that_no_place_has_lie_at_a_corner_of_the_map() {
    let mut client = TestClient::new();
    client.run("ZADD towns 100000000000000000000 far");
    assert_eq!(
        client.run("GEOPOS towns far none"),
        "*2\r\n*2\r\n$22\r\n-179.99999731779098511\r\n$21\r\n-85.05112751263942528\r\n*-1\r\n"
    );
    assert_eq!(client.run("GEOHASH towns far"), "*1\r\n$11\r\n00bh0hbj200\r\n");
}
