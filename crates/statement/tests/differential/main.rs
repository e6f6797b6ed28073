//! Our analysis against a real PostgreSQL 15, when this machine has one.

#[cfg(test)]
mod catalog;
#[cfg(test)]
mod comparison;
#[cfg(test)]
mod grammar;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod server;
#[cfg(test)]
mod tree;
