//! Listeners, TLS and upstream connections around the session machine.
