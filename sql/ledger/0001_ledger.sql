-- Purpose: format 1 of the ledger: what was applied, how far a migration got, what happened.
-- Parameters: none. Privileges: CREATE on the database. Lowest version: 13.
create schema rlsctl;
comment on schema rlsctl is 'The ledger of rlsctl: which migrations this database has, and what happened while they were applied.';

create table rlsctl.meta (
  format integer not null,
  upgraded_at timestamptz not null default pg_catalog.clock_timestamp(),
  upgraded_by text not null
);
create unique index meta_one_row on rlsctl.meta ((true));
comment on table rlsctl.meta is 'One row: the format of this schema. A binary that knows only older formats refuses to touch it.';
comment on column rlsctl.meta.format is 'The number of the newest upgrade file that ran here.';
comment on column rlsctl.meta.upgraded_at is 'When it ran.';
comment on column rlsctl.meta.upgraded_by is 'The version of rlsctl that ran it.';

create table rlsctl.ledger (
  version text collate "C" primary key,
  sort_key text collate "C" not null,
  name text not null,
  checksum text collate "C" not null,
  token_checksum text collate "C" not null,
  sql text,
  origin text not null,
  applied_at timestamptz not null default pg_catalog.clock_timestamp(),
  applied_by text not null default session_user,
  duration interval,
  transactional boolean not null,
  tool_version text not null,
  git_commit text
)
-- A row is written twice: the duration comes later, and finds its place on the same page. Constraints would be read anew for each.
with (fillfactor = 50);
comment on table rlsctl.ledger is 'One row a migration, written in the migration''s own transaction.';
comment on column rlsctl.ledger.version is 'The version as the file''s name has it.';
comment on column rlsctl.ledger.sort_key is 'The version in a form whose byte order is the numeric order (docs/FORMATS.md).';
comment on column rlsctl.ledger.name is 'The rest of the file''s name.';
comment on column rlsctl.ledger.checksum is 'sha256 of the text without byte-order mark and with LF line ends, in hex (docs/FORMATS.md).';
comment on column rlsctl.ledger.token_checksum is 'sha256 over the SQL tokens, in hex: comments, white space and keyword case do not count (docs/FORMATS.md).';
comment on column rlsctl.ledger.sql is 'The text as applied; null where a ledger without text was taken over.';
comment on column rlsctl.ledger.origin is 'How the row came here: migrate, adopt, accept or baseline.';
comment on column rlsctl.ledger.applied_at is 'When the migration began to run.';
comment on column rlsctl.ledger.applied_by is 'The role that was logged in.';
comment on column rlsctl.ledger.duration is 'How long it ran; filled in at the end of the run, null if the run was cut off before.';
comment on column rlsctl.ledger.transactional is 'False if it ran in steps, because a statement of it cannot run inside a transaction.';
comment on column rlsctl.ledger.tool_version is 'The version of rlsctl that applied it.';
comment on column rlsctl.ledger.git_commit is 'The commit that was checked out, if the files are in a git checkout.';

create table rlsctl.step (
  version text collate "C" not null,
  number integer not null check (number > 0),
  object text not null,
  checksum text collate "C" not null check (pg_catalog.length(checksum) = 64),
  started_at timestamptz not null default pg_catalog.clock_timestamp(),
  finished_at timestamptz,
  runner text not null,
  backend_pid integer not null,
  backend_start timestamptz,
  indexes_before oid[] not null default '{}',
  primary key (version, number)
);
comment on table rlsctl.step is 'How far a migration got that does not run in one transaction: one row a step.';
comment on column rlsctl.step.version is 'The migration.';
comment on column rlsctl.step.number is 'The step, from 1.';
comment on column rlsctl.step.object is 'What the step is: the statement''s tag and what it is about.';
comment on column rlsctl.step.checksum is 'sha256 of the step''s text, in hex: a half-applied file may not change.';
comment on column rlsctl.step.started_at is 'When it was claimed.';
comment on column rlsctl.step.finished_at is 'When it was done; null while it runs, and after a crash.';
comment on column rlsctl.step.runner is 'The run that claimed it; its statement carries the same mark in pg_stat_activity.';
comment on column rlsctl.step.backend_pid is 'The backend that claimed it.';
comment on column rlsctl.step.backend_start is 'When that backend started: a process id alone may be used again.';
comment on column rlsctl.step.indexes_before is 'The indexes that were there before, so that one left INVALID by a crash is known as ours.';

create table rlsctl.event (
  id bigint generated always as identity primary key,
  at timestamptz not null default pg_catalog.clock_timestamp(),
  kind text not null,
  version text collate "C",
  by_role text not null default session_user,
  tool_version text not null,
  detail jsonb not null default '{}'
);
comment on table rlsctl.event is 'What happened, append-only: failures, retries, ended sessions, accepts, adoptions.';
comment on column rlsctl.event.id is 'Order of writing.';
comment on column rlsctl.event.at is 'When.';
comment on column rlsctl.event.kind is 'What: failed, retried, resumed, ...';
comment on column rlsctl.event.version is 'The migration concerned, if one is.';
comment on column rlsctl.event.by_role is 'The role that was logged in.';
comment on column rlsctl.event.tool_version is 'The version of rlsctl that wrote the row.';
comment on column rlsctl.event.detail is 'The particulars.';
