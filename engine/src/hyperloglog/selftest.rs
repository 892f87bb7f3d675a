//! PFSELFTEST: registers hold what is put in, and estimates are as good as they must be.

use alloc::format;
use alloc::string::String;
use alloc::vec;

use super::{DENSE_LEN, HEADER_LEN, HllMut, HllRef, REGISTERS, Registers, dense, empty};

/// Elements counted.
const ELEMENTS: u32 = 10_000;
/// The standard error for as many registers: 1.04 over the square root of their number.
const STANDARD_ERROR: f64 = 1.04 / 128.0;

/// Checks the arithmetic of this build.
///
/// # Errors
/// What is wrong, in words.
pub fn self_test() -> Result<(), String> {
    check_registers()?;
    check_estimate()
}

/// Each register keeps its own value, and nobody else's.
fn check_registers() -> Result<(), String> {
    let mut bytes = vec![0; DENSE_LEN - HEADER_LEN];
    let value_of = |register: usize| (register * 37 % 63) as u8 + 1;
    for register in 0..REGISTERS {
        dense::raise(&mut bytes, register, value_of(register));
    }
    let mut values = dense::iter(&bytes).enumerate();
    match values.find(|(register, value)| *value != value_of(*register)) {
        None => Ok(()),
        Some((register, value)) => {
            Err(format!("Register {register} should be {} but is {value}", value_of(register)))
        }
    }
}

/// The estimate is off by less than four standard errors, and the same in both encodings.
fn check_estimate() -> Result<(), String> {
    let (mut runs, mut array) = (empty(), empty());
    let wrong = |_| String::from("Corrupted registers");
    HllMut::new(&mut array, 0).make_dense().map_err(wrong)?;
    for n in 1..=ELEMENTS {
        HllMut::new(&mut runs, u64::MAX).add(&n.to_le_bytes()).map_err(wrong)?;
        HllMut::new(&mut array, u64::MAX).add(&n.to_le_bytes()).map_err(wrong)?;
        let is_checkpoint = n.is_power_of_two() || n == ELEMENTS;
        if is_checkpoint && estimate(&runs)? != estimate(&array)? {
            return Err(String::from("dense/sparse disagree"));
        }
    }
    let error = (estimate(&array)? as f64 - f64::from(ELEMENTS)) / f64::from(ELEMENTS);
    if error.abs() > 4.0 * STANDARD_ERROR {
        return Err(format!("Too big error. card:{ELEMENTS} error:{error}"));
    }
    Ok(())
}

fn estimate(bytes: &[u8]) -> Result<u64, String> {
    let mut registers = Registers::new();
    HllRef::parse(bytes)
        .and_then(|hll| registers.merge(hll).ok())
        .map(|()| registers.estimate())
        .ok_or_else(|| String::from("Corrupted registers"))
}
