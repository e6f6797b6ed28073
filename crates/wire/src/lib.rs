//! Database wire protocols: bytes to messages and back, in both roles.
//!
//! Everything here turns values into values: no sockets, no clock, no
//! allocation that a peer can size at will. A decoder borrows from the caller's
//! buffer, never panics on hostile bytes, and refuses what it does not know.
//! One module per protocol, named after it.

pub mod postgres;
