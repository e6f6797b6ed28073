//! Judgement: principal, statement and context to a decision.
