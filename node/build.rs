//! Packs the playground for the program: each file of `web/dist` as gzip, which is a third of it and what browsers take.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

const PAGE: &str = "../web/dist";

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let out = std::env::var_os("OUT_DIR").expect("cargo says where to");
    let packed = PathBuf::from(out).join("page");
    if packed.exists() {
        fs::remove_dir_all(&packed)?;
    }
    fs::create_dir(&packed)?;
    // A path that is not there would have all built anew each time.
    if Path::new(PAGE).exists() {
        println!("cargo::rerun-if-changed={PAGE}");
        pack_folder(Path::new(PAGE), &packed)?;
    }
    Ok(())
}

fn pack_folder(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            fs::create_dir(&target)?;
            pack_folder(&entry.path(), &target)?;
        } else {
            let mut encoder = GzEncoder::new(File::create(target)?, Compression::best());
            io::copy(&mut File::open(entry.path())?, &mut encoder)?;
            encoder.finish()?;
        }
    }
    Ok(())
}
