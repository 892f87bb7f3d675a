//! Scripts and functions: Lua 5.1 in Redis' sandbox, behind the seam that the engine offers ([`slotway_engine::script`]).
//!
//! ```text
//!   host.rs         ScriptHost: scripts by digest, one interpreter for all threads of a node, made when it is first needed
//!     functions       the functions of libraries, and an interpreter of their own
//!     interpreter   a Lua with the sandbox around it; compile, call, error texts
//!       sandbox       what scripts find: read-only tables, the libraries that are allowed
//!       redis         redis.call and its kin
//!       library       redis.register_function: what libraries find as they are loaded
//!       reply         replies of commands as values of Lua, values of Lua as replies of scripts
//!       bit, cjson, cmsgpack, pack (struct), random      the libraries that Redis adds
//!       state         C, and the only module with unsafe code
//! ```
//!
//! It is a crate of its own because it calls C: nothing else of a node does.

mod bit;
mod call;
mod cjson;
mod cmsgpack;
mod functions;
mod host;
mod interpreter;
mod library;
mod pack;
mod random;
mod redis;
mod reply;
mod sandbox;
mod state;
#[cfg(test)]
mod tests;

pub use host::Host;
