//! `retrofit`: row security onto tables that are there already, in stages, each with a way back.
//!
//! [`aim()`] says where each table shall get to, from the catalog and the tenancy model; [`plan()`] which steps are missing on the way;
//! [`observe()`] and [`enforce()`] turn a plan into one that only counts, and one for what has been quiet; [`compose()`] writes it as files; [`propose()`] says what the model might be. All are pure. The files are applied by `migrate`.

mod admin_functions;
mod aim;
mod audit_log;
mod backfill;
mod closing;
mod compose;
mod consistent;
mod count;
mod definer;
mod enforce;
mod expression;
mod inserter;
mod keys;
mod look;
mod member_roles;
mod name;
mod observe;
mod partitions;
mod plan;
mod propose;
mod resume;
mod rows;
mod soft_delete;
mod step;
mod template;
mod undo;
mod unset;
mod warn;

pub use aim::{Aim, Aims, Source, aim};
pub use compose::{Composed, compose, observes, planned_for};
pub use look::{LookError, Seen, look};
pub use observe::{Denied, Observation, enforce, observations, observe};
pub use plan::{Nulls, Plan, TablePlan, plan};
pub use propose::{Counts, Found, Part, Proposal, RoleProposal, TableProposal, propose};
pub use resume::{goes_on, written};
pub use step::{Manner, Stage, Step};
pub use undo::{Applied, NoWayBack, Undo, Wanted, is_ours, undo};
