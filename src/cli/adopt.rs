//! `rlsctl adopt`.

use crate::adopt::{self, Ask, Map, Plan, Refused, advice, execute, files};
use crate::catalog::in_short;
use crate::event::{Event, Listener as _};
use crate::exit::{Exit, Failure};
use crate::ledger::{Entry, Peer, PeerTable};
use crate::migration::git;
use crate::migration::{Set, Version, load};
use crate::pg::peers::Adopted;
use crate::pg::{Look, PeerError, Session, Work, ledger_store, mark_store, peers};
use crate::report::{
    Adoption, Document, TargetInfo, adoption_document, adoption_text, ledgers_text, nothing_to_adopt_document,
};

use super::args::AdoptArgs;
use super::connection::{connect, ledger_failure, settings, writable};
use super::context::{Context, Refusal, block_on, folder};

/// The command's name in documents.
const NAME: &str = "adopt";

/// Takes over another tool's ledger; runs nothing.
pub fn run(context: &Context<'_>, args: &AdoptArgs) -> Result<Exit, Failure> {
    let maps = maps(&args.map)?;
    block_on(async {
        let (settings, target) = settings(context)?;
        let told = |failure: Failure| {
            let mut document = Document::new(NAME, failure.exit);
            document.target = Some(target.clone());
            context.fail(NAME, &failure, document)?;
            Ok(failure.exit)
        };
        let session = match connect(&settings, Work::Migrator).await {
            Ok(session) => session,
            Err(failure) => return told(failure),
        };
        let command = Command {
            context,
            args,
            maps,
            session,
            target: target.clone(),
        };
        match command.adopt().await {
            Ok(exit) => Ok(exit),
            Err(failure) => told(failure),
        }
    })?
}

/// Reads `OLD=NEW`.
fn maps(texts: &[String]) -> Result<Vec<Map>, Failure> {
    let read = |text: &String| {
        let wrong = |why: String| {
            Failure::new(Exit::Usage, format!("--map {text}: {why}"))
                .state("nothing was changed")
                .hint("say `--map OLD=NEW`: the row's version in the other ledger, and the file's version")
        };
        let (old, new) = text.split_once('=').ok_or_else(|| wrong("has no `=`".to_owned()))?;
        let new = Version::parse(new).map_err(|error| wrong(error.to_string()))?;
        Ok(Map {
            old: old.to_owned(),
            new,
        })
    };
    texts.iter().map(read).collect()
}

struct Command<'a> {
    context: &'a Context<'a>,
    args: &'a AdoptArgs,
    maps: Vec<Map>,
    session: Session,
    target: TargetInfo,
}

impl Command<'_> {
    async fn adopt(self) -> Result<Exit, Failure> {
        let look = ledger_store::look(&self.session)
            .await
            .map_err(|error| ledger_failure(&error))?;
        let found = peers::find(&self.session)
            .await
            .map_err(|error| failed(&error.into()))?;
        let Some(table) = choose(&found, self.args.from.as_deref(), &look)? else {
            let text = "nothing to adopt: the database has rlsctl's own ledger, and no other tool's\n";
            let document = nothing_to_adopt_document();
            return self.print(document, text);
        };
        let set = match self.set(table.peer)? {
            Ok(set) => set,
            Err(exit) => return Ok(exit),
        };
        if !self.args.dry_run {
            writable(&look)?;
        }
        match self.plan(&look, &table, &set).await? {
            Ok(plan) => self.carry_out(&look, &set, &plan).await,
            Err(refused) => self.refuse(refused),
        }
    }

    /// Loads the files; the exit code, where they are wrong and that was said.
    fn set(&self, peer: Peer) -> Result<Result<Set, Exit>, Failure> {
        let advice = advice::unreadable_files(peer);
        let dir = self.context.dir().map_err(|mut failure| {
            if let Some(advice) = advice {
                failure.exit = Exit::Refused;
                failure.hints = vec![advice.to_owned()];
            }
            failure
        })?;
        match load(&dir, self.context.config.layout) {
            Ok(set) => Ok(Ok(set)),
            Err(problems) => {
                let hints = advice.map(str::to_owned).into_iter().collect();
                let refusal = Refusal::from_problems(&problems);
                let refused = Refused {
                    findings: refusal.findings,
                    hints,
                };
                self.refuse(refused).map(Err)
            }
        }
    }

    /// Reads the other ledger, in a transaction that stays open for the writing, and compares.
    async fn plan(&self, look: &Look, table: &PeerTable, set: &Set) -> Result<Result<Plan, Refused>, Failure> {
        let files = match files::load(set, table.peer) {
            Ok(files) => files,
            Err(findings) => {
                let hints = Vec::new();
                return Ok(Err(Refused { findings, hints }));
            }
        };
        let wait = (!self.args.dry_run).then_some(self.context.config.limits.lock_wait);
        let said = execute::open(&self.session, look, table, wait)
            .await
            .map_err(|error| failed(&error))?;
        let (ours, adopted) = self.ours(look, table).await.map_err(|error| failed(&error))?;
        let ask = Ask {
            table,
            maps: &self.maps,
            map_by_content: self.args.map_by_content,
            before: &adopted,
            allow_out_of_order: self.args.allow_out_of_order,
        };
        let planned = adopt::plan(&files, &said, &ours, &ask);
        if planned.is_err() {
            peers::rollback(&self.session).await.map_err(|error| failed(&error))?;
        }
        Ok(planned)
    }

    /// Returns what our own ledger has already, and what it has of this one.
    async fn ours(&self, look: &Look, table: &PeerTable) -> Result<(Vec<Entry>, Adopted), PeerError> {
        if look.ledger.is_none() {
            return Ok((Vec::new(), Adopted::default()));
        }
        let entries = ledger_store::entries(&self.session).await?;
        let adopted = peers::adopted(&self.session).await?;
        let of_this = adopted.into_iter().find(|one| one.ledger == table.to_string());
        Ok((entries, of_this.unwrap_or_default()))
    }

    async fn carry_out(self, look: &Look, set: &Set, plan: &Plan) -> Result<Exit, Failure> {
        let is_nothing = plan.rows.is_empty() && look.ledger.is_some();
        let adoption = if is_nothing {
            Adoption::Already
        } else if self.args.dry_run {
            Adoption::Planned
        } else {
            Adoption::Done
        };
        if adoption == Adoption::Done {
            self.context.ui.on(Event::Target {
                description: self.target.description.clone(),
            });
            let commit = git::commit(&set.dir);
            execute::write(&self.session, look, plan, commit.as_deref())
                .await
                .map_err(|error| failed(&error))?;
            self.mark(look, plan).await;
        } else {
            peers::rollback(&self.session).await.map_err(|error| failed(&error))?;
        }
        self.context.ui.notes(&plan.notes);
        let folder = folder(set);
        self.print(
            adoption_document(plan, adoption),
            &adoption_text(plan, adoption, &self.target.description, &folder),
        )
    }

    /// Marks the catalog, and tells what has to be known of that.
    async fn mark(&self, look: &Look, plan: &Plan) {
        let warning = match adopt::mark(&self.session, look, plan).await {
            Ok(objects) if objects.is_empty() => return,
            Ok(objects) => format!(
                "the schema has changed since rlsctl's last mark, which is taken for the work of {}: {}",
                plan.table.peer,
                in_short(&objects)
            ),
            Err(reason) => format!("{}: {reason}", mark_store::NOT_WRITTEN),
        };
        self.context.ui.on(Event::Warning(warning));
    }

    fn print(&self, mut document: Document, text: &str) -> Result<Exit, Failure> {
        document.target = Some(self.target.clone());
        self.context.print(&document, text)?;
        Ok(Exit::Done)
    }

    fn refuse(&self, refused: Refused) -> Result<Exit, Failure> {
        let mut document = Document::new(NAME, Exit::Refused);
        document.target = Some(self.target.clone());
        let Refused { findings, hints } = refused;
        Refusal { findings }.report_with(self.context, NAME, document, hints)
    }
}

/// Returns the ledger that is meant: the one that is named, or the only one; none where ours is there alone.
fn choose(found: &[PeerTable], from: Option<&str>, look: &Look) -> Result<Option<PeerTable>, Failure> {
    let refuse = |what: String, tables: &[PeerTable], hint: &str| {
        let mut failure = Failure::new(Exit::Refused, what)
            .state("nothing was changed")
            .hint(hint);
        failure.causes = ledgers_text(tables);
        Err(failure)
    };
    if let Some(from) = from {
        let named: Vec<&PeerTable> = found.iter().filter(|table| table.to_string() == from).collect();
        return match named.as_slice() {
            [table] => Ok(Some((*table).clone())),
            [] => refuse(
                format!("{from} is no ledger that rlsctl knows"),
                found,
                "name one as `--from SCHEMA.TABLE`; they are told by their columns",
            ),
            _ => refuse(
                format!("{from} has the columns of several tools' ledgers"),
                found,
                "this is most likely no ledger; name another with `--from SCHEMA.TABLE`",
            ),
        };
    }
    let certain: Vec<PeerTable> = found.iter().filter(|table| table.certain).cloned().collect();
    match certain.as_slice() {
        [table] => Ok(Some(table.clone())),
        [] if look.ledger.is_some() => Ok(None),
        [] => refuse(
            "no other tool's ledger was found".to_owned(),
            found,
            "a database that no tool has migrated needs none: `rlsctl migrate`; a ledger that goes by another name: `--from SCHEMA.TABLE`",
        ),
        several => refuse(
            format!("{} ledgers of other tools were found", several.len()),
            several,
            "name the one that is meant with `--from SCHEMA.TABLE`",
        ),
    }
}

/// Returns why another ledger was not read or not adopted, and what to do.
pub fn failed(error: &PeerError) -> Failure {
    let failure = match error {
        PeerError::Ledger(error) => return ledger_failure(error),
        PeerError::Hidden { .. } => Failure::new(Exit::Environment, error.to_string())
            .hint("run it as the table's owner, or as a role with BYPASSRLS"),
        PeerError::Busy { .. } => Failure::new(Exit::Blocked, error.to_string())
            .hint("run `rlsctl adopt` again when the other tool is through"),
        PeerError::Raced => Failure::new(Exit::Blocked, error.to_string())
            .hint("run `rlsctl adopt` again: it looks at the ledger first"),
    };
    failure.state("nothing was changed")
}
