//! The PostgreSQL session machine between a client and a server that are both
//! made of text: what is sent is data, what comes out is data.
//!
//! The server is [`model::Model`], a small reference model of PostgreSQL's
//! frontend/backend protocol, or lines of a script where a test needs a server
//! that PostgreSQL is not.

#[cfg(test)]
mod bytewise;
#[cfg(test)]
mod caps;
#[cfg(test)]
mod copying;
mod definitions;
#[cfg(test)]
mod degraded;
#[cfg(test)]
mod errands;
#[cfg(test)]
mod errors;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod gate;
#[cfg(test)]
mod generated;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod lab;
#[cfg(test)]
mod masks;
#[cfg(test)]
mod model;
#[cfg(test)]
mod names;
#[cfg(test)]
mod outcomes;
#[cfg(test)]
mod pipelines;
#[cfg(test)]
mod recorder;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod settings;
#[cfg(test)]
mod sql;
#[cfg(test)]
mod text;
