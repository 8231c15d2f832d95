-- Purpose: a new mark of the catalog from its definitions, which mark_piece.sql has handed over. The definitions of older ones go: each
-- row would hold the whole schema again.
-- Parameters: $1 head, $2 fingerprint, $3 number of pieces, $4 format of the definitions.
-- Privileges: USAGE on schema rlsctl, INSERT, SELECT and UPDATE on rlsctl.schema_mark. Lowest version: 13.
with older as (
  update rlsctl.schema_mark set definitions = null where definitions is not null
),
given as (
  select pg_catalog.string_agg(
           pg_catalog.current_setting(pg_catalog.concat('rlsctl.definitions_', n.number)), '' order by n.number
         )::jsonb as definitions
  from pg_catalog.generate_series(1, $3) as n(number)
),
hashed as (
  select pg_catalog.jsonb_object_agg(
           o.key, pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(o.value, 'UTF8')), 'hex')
         ) as objects
  from given g, pg_catalog.jsonb_each_text(g.definitions) as o
)
insert into rlsctl.schema_mark (head, fingerprint, objects, definitions, format)
select $1, $2, coalesce(h.objects, '{}'), g.definitions, $4
from given g, hashed h;
