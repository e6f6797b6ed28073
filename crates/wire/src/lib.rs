//! Database wire protocols: bytes to messages and back, in both roles.
