//! Tests of the whole codec: what it writes it reads, what servers wrote it reads as they do, and nothing else.

mod refusals;
mod roundtrip;
mod samples;
