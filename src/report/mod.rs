//! Findings, plans and events to text, JSON and what pipelines read. The only writer to stdout and stderr.
//!
//! stdout is what was asked for; stderr is everything else: progress, notes, errors. Meaning is never by colour alone.

mod adopt;
mod audit;
mod bar;
mod blockers;
mod difference;
mod document;
mod drift;
mod excerpt;
mod failure;
mod fold;
mod formats;
mod line;
mod metrics;
mod migrate;
mod observed;
mod plan;
mod progress;
mod propose;
mod prove;
mod reap;
mod retrofit;
mod rounds;
mod screen;
mod session;
mod split;
mod status;
mod text;
mod ui;

pub use crate::duration::human_duration;
pub use adopt::{Adoption, adoption_document, adoption_text, ledgers_text, nothing_to_adopt_document};
pub use audit::{AuditReport, audit_document, audit_text, rule_text};
pub use blockers::{blockers_document, blockers_text};
pub use difference::{Comparison, Difference, difference_table};
pub use document::{Document, TargetInfo};
pub use drift::{DriftReport, LedgerSide, drift_document, drift_text};
pub use failure::render_failure;
pub use metrics::{Metrics, TargetMetrics, write_metrics};
pub use migrate::{outcome_document, outcome_text};
pub use plan::{plan_document, plan_text};
pub use progress::one as describe_blocker;
pub use propose::proposal_document;
pub use prove::{prove_document, prove_text};
pub use reap::{Reaped, reap_document, reap_summary, reap_text};
pub use retrofit::{Next, retrofit_document, retrofit_status_text, retrofit_text, retrofit_written_document};
pub use screen::Screen;
pub use session::{decide, listed};
pub use split::{Proof, split_document, split_text};
pub use status::{Standing, status_document, status_text};
pub use text::{count, printable, render_finding, render_findings, sort_findings};
pub use ui::{ColorChoice, Format, Ui, forgive_broken_pipe};
