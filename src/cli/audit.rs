//! `rlsctl audit`.

use crate::audit::{audit, rule};
use crate::exit::{Exit, Failure};
use crate::pg::{self, Work};
use crate::report::{Document, TargetInfo, audit_document, audit_text, rule_text};
use crate::schema::Schema;

use super::audit_args::AuditArgs;
use super::connection::{connect, settings};
use super::context::{Context, block_on};
use super::retrofit::model;

/// The command's name in documents.
const NAME: &str = "audit";

/// Shows what in the catalog lets rows cross tenants; changes nothing.
pub fn run(context: &Context<'_>, args: &AuditArgs) -> Result<Exit, Failure> {
    if let Some(code) = &args.explain {
        return explain(context, code);
    }
    let tenancy = model(context)?;
    let (schema, target) = block_on(read(context))??;
    let findings = audit(&schema, &tenancy);
    let mut document = audit_document(&schema, findings);
    document.target = Some(target);
    let text = audit_text(&document);
    context.print(&document, &text)?;
    Ok(document.exit)
}

async fn read(context: &Context<'_>) -> Result<(Schema, TargetInfo), Failure> {
    let (settings, target) = settings(context)?;
    let session = connect(&settings, Work::Reader).await?;
    let schema = pg::schema(&session).await;
    session.close().await;
    let schema =
        schema.map_err(|error| Failure::new(Exit::Environment, error.to_string()).state("nothing was changed"))?;
    Ok((schema, target))
}

fn explain(context: &Context<'_>, code: &str) -> Result<Exit, Failure> {
    let Some(rule) = rule(code) else {
        let codes: Vec<&str> = crate::audit::RULES
            .iter()
            .flat_map(|rule| rule.codes)
            .copied()
            .collect();
        return Err(Failure::new(Exit::Usage, format!("`{code}` is no code of `audit`"))
            .hint(format!("its codes are {}", codes.join(", "))));
    };
    let document = Document::new(NAME, Exit::Done)
        .with("codes", rule.codes)
        .with("explanation", rule.explanation);
    context.print(&document, &rule_text(rule.codes, rule.explanation))?;
    Ok(Exit::Done)
}
