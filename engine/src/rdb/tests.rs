//! Tests of the whole codec: round trips here, payloads of real servers in `samples`.

mod roundtrip;
mod samples;
