//! `rlsctl audit`.

use crate::audit::{Baseline, Fixed, Sifted, audit, audit_without_tenancy, fixed, rule, rules, sift};
use crate::exit::{Exit, Failure};
use crate::finding::Finding;
use crate::pg::{self, Work};
use crate::report::{AuditReport, Document, TargetInfo, audit_document, audit_text, count, rule_text};
use crate::schema::Schema;
use crate::tenancy::Tenancy;

use super::audit_args::AuditArgs;
use super::audit_files::{read_baseline, write_baseline, write_fixes};
use super::audit_scratch::{Made, made};
use super::connection::{connect, settings};
use super::context::{Context, block_on};
use super::retrofit::model;

/// The command's name in documents.
const NAME: &str = "audit";

/// Shows what in the catalog lets rows cross tenants; changes nothing on the server.
pub fn run(context: &Context<'_>, args: &AuditArgs) -> Result<Exit, Failure> {
    if let Some(code) = &args.explain {
        return explain(context, code);
    }
    if args.before.is_some() && !args.files && args.dump.is_none() {
        return Err(Failure::new(
            Exit::Usage,
            "`--before` is for a throwaway server: use it with `--files` or `--dump`",
        ));
    }
    let tenancy = tenancy(context, args)?;
    let known = args.baseline.as_deref().map(read_baseline).transpose()?;
    let (schema, target, said, not_seen) = looked(context, args)?;
    let mut findings = match &tenancy {
        Some(tenancy) => audit(&schema, tenancy),
        None => audit_without_tenancy(&schema),
    };
    findings.extend(not_seen);
    let Sifted { findings, allowed } = sift(findings, &context.config.allows, jiff::Zoned::now().date());
    let known = match &args.write_baseline {
        Some(path) => {
            let baseline = Baseline::of(&findings);
            write_baseline(path, &baseline)?;
            context.ui.note(&format!(
                "wrote {} with {}; next: `rlsctl audit --baseline {}`",
                path.display(),
                count(baseline.count(), "finding"),
                path.display()
            ));
            Some(baseline)
        }
        None => known,
    };
    let gone = known.as_ref().map(|known| known.gone(&findings));
    let (known, findings): (Vec<Finding>, Vec<Finding>) = findings
        .into_iter()
        .partition(|finding| known.as_ref().is_some_and(|known| known.knows(finding)));
    let mended = mended(context, args, &schema, tenancy.as_ref(), &findings)?;
    let report = AuditReport {
        schema: &schema,
        findings,
        allowed,
        known,
        gone,
        said,
        knows_tenants: tenancy.is_some(),
        fixes: mended
            .as_ref()
            .map(|(fixed, paths)| (fixed.fixes.as_slice(), paths.as_slice())),
    };
    let mut document = audit_document(&report);
    document.target = target;
    let text = audit_text(&report, &document, context.ui.width());
    context.print(&document, &text)?;
    if tenancy.is_none() {
        context.ui.note(
            "there is no [tenancy] in rlsctl.toml, so that nothing could be said of tenants; `rlsctl retrofit init` proposes one",
        );
    }
    if let Some((fixed, paths)) = &mended {
        context.ui.note(&said_of_fixes(fixed, paths));
    }
    Ok(document.exit)
}

/// Without `[tenancy]` there is still something to say, but nothing that could be mended without a decision.
fn tenancy(context: &Context<'_>, args: &AuditArgs) -> Result<Option<Tenancy>, Failure> {
    if context.config.tenancy().is_empty() && args.fix.is_none() {
        return Ok(None);
    }
    model(context).map(Some)
}

type Looked = (Schema, Option<TargetInfo>, Option<String>, Vec<Finding>);

fn looked(context: &Context<'_>, args: &AuditArgs) -> Result<Looked, Failure> {
    if args.files || args.dump.is_some() {
        let Made { schema, said, findings } = block_on(Box::pin(made(context, args)))??;
        return Ok((schema, None, Some(said), findings));
    }
    let (schema, target) = block_on(read(context))??;
    Ok((schema, Some(target), None, Vec::new()))
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

type Mended = (Fixed, Vec<std::path::PathBuf>);

/// Writes what can be mended without a decision, if that is asked for.
fn mended(
    context: &Context<'_>,
    args: &AuditArgs,
    schema: &Schema,
    tenancy: Option<&Tenancy>,
    findings: &[Finding],
) -> Result<Option<Mended>, Failure> {
    let (Some(path), Some(tenancy)) = (&args.fix, tenancy) else {
        return Ok(None);
    };
    let fixed = fixed(schema, tenancy, findings);
    let paths = if fixed.fixes.is_empty() {
        Vec::new()
    } else {
        write_fixes(context, path.as_ref(), &fixed)?
    };
    Ok(Some((fixed, paths)))
}

fn said_of_fixes(fixed: &Fixed, paths: &[std::path::PathBuf]) -> String {
    let Some(path) = paths.first() else {
        return "nothing of it can be mended without a decision, so no file was written".to_owned();
    };
    format!(
        "wrote {} with {}; read it, then `rlsctl migrate`",
        path.display(),
        count(fixed.fixes.len(), "statement")
    )
}

fn explain(context: &Context<'_>, code: &str) -> Result<Exit, Failure> {
    let Some(rule) = rule(code) else {
        let codes: Vec<&str> = rules().flat_map(|rule| rule.codes).copied().collect();
        return Err(Failure::new(Exit::Usage, format!("`{code}` is no code of `audit`"))
            .hint(format!("its codes are {}", codes.join(", "))));
    };
    let document = Document::new(NAME, Exit::Done)
        .with("codes", rule.codes)
        .with("explanation", rule.explanation);
    context.print(&document, &rule_text(rule.codes, rule.explanation))?;
    Ok(Exit::Done)
}
