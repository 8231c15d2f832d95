-- Purpose: format 2 of the ledger: the mark of the whole catalog, one hash an object.
-- Parameters: none. Privileges: owner of schema rlsctl. Lowest version: 13.
create table rlsctl.schema_mark (
  id bigint generated always as identity primary key,
  head text collate "C" not null check (pg_catalog.length(head) = 64),
  format integer not null,
  fingerprint text collate "C" not null check (pg_catalog.length(fingerprint) = 64),
  objects jsonb not null,
  definitions jsonb,
  taken_at timestamptz not null default pg_catalog.clock_timestamp()
);
comment on table rlsctl.schema_mark is 'What the catalog looked like when a run ended, so that a change by hand can be told.';
comment on column rlsctl.schema_mark.id is 'Order of writing.';
comment on column rlsctl.schema_mark.head is 'The ledger''s head at that moment.';
comment on column rlsctl.schema_mark.format is 'The format of the definitions: hashes of another one cannot be compared.';
comment on column rlsctl.schema_mark.fingerprint is 'sha256 over names and hashes of all objects, in hex (docs/FORMATS.md).';
comment on column rlsctl.schema_mark.objects is 'The sha256 of each object''s definition, in hex, by kind and name (docs/FORMATS.md).';
comment on column rlsctl.schema_mark.definitions is 'The definitions themselves; kept on the newest row only.';
comment on column rlsctl.schema_mark.taken_at is 'When it was taken.';
