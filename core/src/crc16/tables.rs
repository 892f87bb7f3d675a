//! What one byte leaves in the checksum when 0 to 15 more bytes follow it.
//!
//! Natively the 8 KB are constants. In WASM they are computed at first use: they are as good as random to a
//! compressor, and a page that loads the routing core should not pay 8 KB for them.

/// Longest block that the tables serve, in bytes.
pub(super) const REACH: usize = 16;

const POLYNOMIAL: u16 = 0x1021;

/// What is left of `crc` after one more zero byte.
const fn shifted_by_a_byte(mut crc: u16) -> u16 {
    let mut bit = 0;
    while bit < 8 {
        crc = if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ POLYNOMIAL };
        bit += 1;
    }
    crc
}

#[cfg(not(target_arch = "wasm32"))]
mod stored {
    use super::{REACH, shifted_by_a_byte};

    pub(in super::super) struct Tables([[u16; 256]; REACH]);

    static TABLES: Tables = Tables(built());

    const fn built() -> [[u16; 256]; REACH] {
        let mut tables = [[0; 256]; REACH];
        let mut byte = 0;
        while byte < 256 {
            let mut crc = (byte as u16) << 8;
            let mut distance = 0;
            while distance < REACH {
                crc = shifted_by_a_byte(crc);
                tables[distance][byte] = crc;
                distance += 1;
            }
            byte += 1;
        }
        tables
    }

    pub(in super::super) fn tables() -> &'static Tables {
        &TABLES
    }

    impl Tables {
        /// What `byte` leaves when `distance` bytes follow it.
        #[inline(always)]
        pub(in super::super) fn left_by(&self, byte: u8, distance: usize) -> u16 {
            self.0[distance][byte as usize]
        }
    }
}

/// Relaxed loads of atomics are plain loads, and zeroed atomics cost no bytes in the module.
#[cfg(any(target_arch = "wasm32", test))]
mod computed {
    use core::sync::atomic::{AtomicBool, AtomicU16, Ordering};

    use super::{REACH, shifted_by_a_byte};

    pub(in super::super) struct Tables {
        ready: AtomicBool,
        left: [[AtomicU16; 256]; REACH],
    }

    static TABLES: Tables =
        Tables { ready: AtomicBool::new(false), left: [const { [const { AtomicU16::new(0) }; 256] }; REACH] };

    #[inline]
    pub(in super::super) fn tables() -> &'static Tables {
        if !TABLES.ready.load(Ordering::Acquire) {
            TABLES.fill();
        }
        &TABLES
    }

    impl Tables {
        /// Two threads that fill at once write the same values.
        #[cold]
        fn fill(&self) {
            for byte in 0..=255u8 {
                let mut crc = u16::from(byte) << 8;
                for table in &self.left {
                    crc = shifted_by_a_byte(crc);
                    table[byte as usize].store(crc, Ordering::Relaxed);
                }
            }
            self.ready.store(true, Ordering::Release);
        }

        /// What `byte` leaves when `distance` bytes follow it.
        #[inline(always)]
        pub(in super::super) fn left_by(&self, byte: u8, distance: usize) -> u16 {
            self.left[distance][byte as usize].load(Ordering::Relaxed)
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
pub(super) use stored::{Tables, tables};

#[cfg(target_arch = "wasm32")]
pub(super) use computed::{Tables, tables};

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;

    #[test]
    fn computed_tables_hold_what_stored_ones_do() {
        for distance in 0..REACH {
            for byte in 0..=255 {
                let (stored, computed) = (stored::tables(), computed::tables());
                assert_eq!(
                    computed.left_by(byte, distance),
                    stored.left_by(byte, distance),
                    "{byte} {distance}"
                );
            }
        }
    }
}
