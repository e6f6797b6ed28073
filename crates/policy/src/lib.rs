//! Judgement: principal, statement and context to a decision.
//!
//! Policies are Cedar text. [`Policies::load`] takes a set only when all of it
//! passes strict validation against `schema.cedarschema` and a lint;
//! [`Policies::decide`] answers for one statement. The answer is an allow only
//! if Cedar allows every access of the statement, with the facts Weir commits to
//! enforce (masks, row cap) written into the context it was asked under. Unknown
//! actions, missing facts, evaluation errors and the absence of any permit deny.
//!
//! The crate is pure: no clock, files or randomness; time is an argument.

mod decision;
mod evaluate;
mod facts;
mod load;
mod name;
mod problem;
mod question;
mod refuse;
mod requirement;
mod schema;
mod slice;
mod starter;
mod world;

pub use decision::{Decision, Denial, Enforcement, Reason, Refused, Rule};
pub use evaluate::Policies;
pub use facts::{AccessFact, Context, Facts, Request, ResourceFact, Subject, Target};
pub use name::quote_identifier;
pub use problem::Problem;
pub use schema::{ACTIONS, SCHEMA};

#[cfg(test)]
mod tests;
