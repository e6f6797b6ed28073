//! The sans-io life of one connection: one gate for every protocol.
