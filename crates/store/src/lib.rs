//! The durable ledger: write-ahead log, committer, checkpoints.
