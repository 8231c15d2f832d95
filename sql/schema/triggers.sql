-- Purpose: triggers that are not the server's own.
-- Parameters: none. Privileges: none. Lowest version: 13.
select 'trigger', pg_catalog.json_build_object(
  'relation', t.tgrelid::pg_catalog.int8,
  'name', t.tgname,
  'function', t.tgfoid::pg_catalog.int8,
  'is_enabled', t.tgenabled <> 'D',
  -- UPDATE is the bit 16 of TRIGGER_TYPE_*; without a list of columns it fires on all.
  'fires_on_update', (t.tgtype::pg_catalog.int4 & 16) <> 0,
  'update_columns', coalesce((
    select pg_catalog.json_agg(b.attname order by b.attnum)
    from pg_catalog.pg_attribute b
    where b.attrelid = t.tgrelid and b.attnum > 0 and b.attnum::pg_catalog.text = any (pg_catalog.string_to_array(t.tgattr::pg_catalog.text, ' '))), '[]'),
  'is_inherited', t.tgparentid <> 0,
  'definition', pg_catalog.pg_get_triggerdef(t.oid))
from pg_catalog.pg_trigger t
join pg_catalog.pg_class c on c.oid = t.tgrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where not t.tgisinternal
  and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'rlsctl')
order by t.tgrelid, t.tgname;
