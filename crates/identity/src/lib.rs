//! Verified identity: access keys, SCRAM and principals.
