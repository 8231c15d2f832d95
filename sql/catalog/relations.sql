-- Purpose: tables, foreign tables, views and materialized views without their columns. Partitions are left to partitions.sql.
--   Comments on what is not the server's own begin at 16384 (FirstNormalObjectId): their index finds them, here and in the other files.
-- Parameters: none. Privileges: none. Lowest version: 13.
select case c.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'f' then 'foreign table' else 'table' end,
  pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname), 0,
  pg_catalog.concat_ws(E'\n',
    'owner ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(c.relowner)),
    case when c.relkind in ('r', 'p') and c.relrowsecurity then 'row level security enabled'
      when c.relkind in ('r', 'p') then 'row level security disabled' end,
    case when c.relkind in ('r', 'p') and c.relforcerowsecurity then 'row level security forced'
      when c.relkind in ('r', 'p') then 'row level security not forced' end,
    case when c.relpersistence = 'u' then 'unlogged' end,
    case when c.relkind = 'p' then 'partition by ' || pg_catalog.pg_get_partkeydef(c.oid) end,
    p.parents,
    case when c.reloftype <> 0 then 'of ' || pg_catalog.format_type(c.reloftype, null) end,
    case when m.amname <> 'heap' then 'using ' || pg_catalog.quote_ident(m.amname) end,
    'tablespace ' || pg_catalog.quote_ident(s.spcname),
    case case when c.relkind in ('r', 'p') then c.relreplident end when 'n' then 'replica identity nothing' when 'f' then 'replica identity full'
      when 'i' then 'replica identity index' end,
    case when c.reloptions is not null then (
      select pg_catalog.string_agg('option ' || o, E'\n' order by o collate "C") from pg_catalog.unnest(c.reloptions) o) end,
    case when t.reloptions is not null then (
      select pg_catalog.string_agg('option toast.' || o, E'\n' order by o collate "C") from pg_catalog.unnest(t.reloptions) o) end,
    'server ' || pg_catalog.quote_ident(fs.srvname),
    case when f.ftoptions is not null then (
      select pg_catalog.string_agg('option ' || o.option_name || ' ' || case
          when o.option_name in ('schema_name', 'table_name') then pg_catalog.quote_literal(o.option_value)
          else 'sha256 ' || pg_catalog.left(pg_catalog.encode(pg_catalog.sha256(
            pg_catalog.convert_to(o.option_value, 'UTF8')), 'hex'), 12) end, E'\n' order by o.option_name collate "C")
      from pg_catalog.pg_options_to_table(f.ftoptions) o) end,
    'comment ' || pg_catalog.quote_literal(d.description)),
  'r', pg_catalog.array_to_string(c.relacl, E'\x1f'),
  pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(c.relowner))
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
left join pg_catalog.pg_am m on m.oid = c.relam
left join pg_catalog.pg_tablespace s on s.oid = c.reltablespace
left join pg_catalog.pg_class t on t.oid = c.reltoastrelid and t.reloptions is not null
left join pg_catalog.pg_foreign_table f on f.ftrelid = c.oid
left join pg_catalog.pg_foreign_server fs on fs.oid = f.ftserver
left join pg_catalog.pg_description d
  on d.objoid >= 16384 and d.objoid = c.oid and d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objsubid = 0
left join (
  select i.inhrelid, pg_catalog.string_agg(
    'inherits ' || pg_catalog.quote_ident(pn.nspname) || '.' || pg_catalog.quote_ident(pc.relname), E'\n' order by i.inhseqno) as parents
  from pg_catalog.pg_inherits i
  join pg_catalog.pg_class pc on pc.oid = i.inhparent and pc.relkind in ('r', 'f')
  join pg_catalog.pg_namespace pn on pn.oid = pc.relnamespace
  group by i.inhrelid
) p on p.inhrelid = c.oid
where c.relkind in ('r', 'p', 'f', 'v', 'm') and not c.relispartition
  and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'rlsctl')
  and c.oid not in (
    select e.objid from pg_catalog.pg_depend e
    where e.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and e.deptype = 'e');
