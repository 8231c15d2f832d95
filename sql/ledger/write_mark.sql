-- Purpose: a new mark of the catalog. The definitions of older ones go: each row would hold the whole schema again.
-- Parameters: $1 head, $2 fingerprint, $3 hashes (JSON), $4 definitions (JSON), $5 format of the definitions.
-- Privileges: USAGE on schema rlsctl, INSERT, SELECT and UPDATE on rlsctl.schema_mark. Lowest version: 13.
with older as (
  update rlsctl.schema_mark set definitions = null where definitions is not null
)
insert into rlsctl.schema_mark (head, fingerprint, objects, definitions, format)
values ($1, $2, $3::jsonb, $4::jsonb, $5);
