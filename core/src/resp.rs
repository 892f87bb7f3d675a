//! RESP, the wire between clients and servers: requests in, replies out.
//!
//! ```text
//!   bytes --decode--> Args (borrowed) --> ... --> ReplyWriter (encode) --> bytes
//!                                                 Value::decode reads them back (clients, tests)
//! ```

pub mod args;
pub mod decode;
pub mod double;
pub mod encode;
pub mod error;
pub mod inline;
pub mod value;
