//! The PostgreSQL session machine between a client and a server that are both
//! made of text: what is sent is data, what comes out is data.
//!
//! The server is [`model::Model`], a small reference model of PostgreSQL's
//! frontend/backend protocol, or lines of a script where a test needs a server
//! that PostgreSQL is not.

mod bytewise;
mod caps;
mod copying;
mod errands;
mod errors;
mod fixture;
mod gate;
mod generated;
mod hostile;
mod lab;
mod masks;
mod model;
mod names;
mod pipelines;
mod recorder;
mod refusals;
mod settings;
mod sql;
mod text;
