use super::*;

#[test]
fn every_accessor_reads_its_directive() {
    Config::default().read_all();
}
