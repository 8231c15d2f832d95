//! What `retrofit init` proposes, for machines; people get the lines themselves.

use serde::Serialize;
use serde_json::Value;

use crate::exit::Exit;
use crate::retrofit::Proposal;

use super::document::Document;

/// Returns a proposal as a document.
pub fn proposal_document(proposal: &Proposal, is_written: bool) -> Document {
    let counts = proposal.counts();
    Document::new("retrofit", Exit::Done)
        .summary("tables", counts.tables)
        .summary("with_column", counts.with_column)
        .summary("from_parent", counts.from_parent)
        .summary("to_decide", counts.open)
        .summary("written", is_written)
        .with("action", "init")
        .with("tenancy", json(&proposal.to_table()))
        .with("reasons", proposal.column_reasons.clone())
        .with("roles", json(&proposal.roles))
        .with("tables", json(&proposal.tables))
        .with("toml", proposal.to_toml())
}

fn json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("our types have string keys")
}
