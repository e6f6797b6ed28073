//! Our analysis against a real PostgreSQL 15, when this machine has one.

mod catalog;
mod grammar;
mod oracle;
mod server;
#[allow(dead_code)]
mod tree;
