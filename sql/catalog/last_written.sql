-- Purpose: when the catalog's rows about some objects were last written, where the server keeps the time of a commit
--   (track_commit_timestamp), and who owns them; no author is kept anywhere. A row that was frozen, or whose commit is older than what is
--   kept, has no time.
-- Parameters: $1 a JSON array of kind and identity, as in `table public.orders`; double quotes in a name do not count.
-- Privileges: none. Lowest version: 13.
with wanted as materialized (
  select pg_catalog.replace(w.name, '"', '') as name
  from pg_catalog.jsonb_array_elements_text($1::pg_catalog.jsonb) w(name)
), relations as (
  select c.oid, c.relkind, c.relowner, pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) as identity
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
), objects (kind, identity, class, object, owner) as (
  select case r.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'f' then 'foreign table' when 'S' then 'sequence'
      when 'i' then 'index' when 'I' then 'index' when 'c' then 'type' else 'table' end,
    r.identity, 'pg_class', r.oid, r.relowner
  from relations r
  union all
  select 'constraint', pg_catalog.quote_ident(k.conname) || ' on ' || r.identity, 'pg_constraint', k.oid, r.relowner
  from pg_catalog.pg_constraint k join relations r on r.oid = k.conrelid
  union all
  select 'policy', pg_catalog.quote_ident(p.polname) || ' on ' || r.identity, 'pg_policy', p.oid, r.relowner
  from pg_catalog.pg_policy p join relations r on r.oid = p.polrelid
  union all
  select 'trigger', pg_catalog.quote_ident(t.tgname) || ' on ' || r.identity, 'pg_trigger', t.oid, r.relowner
  from pg_catalog.pg_trigger t join relations r on r.oid = t.tgrelid
  union all
  select 'rule', pg_catalog.quote_ident(w.rulename) || ' on ' || r.identity, 'pg_rewrite', w.oid, r.relowner
  from pg_catalog.pg_rewrite w join relations r on r.oid = w.ev_class
  union all
  select case p.prokind when 'a' then 'aggregate' when 'p' then 'procedure' else 'function' end,
    pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(p.proname) || '('
      || pg_catalog.oidvectortypes(p.proargtypes) || ')', 'pg_proc', p.oid, p.proowner
  from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  union all
  select case t.typtype when 'd' then 'domain' when 'e' then 'enum' else 'type' end,
    pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(t.typname), 'pg_type', t.oid, t.typowner
  from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace
  union all
  select 'collation', pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(l.collname), 'pg_collation', l.oid, l.collowner
  from pg_catalog.pg_collation l join pg_catalog.pg_namespace n on n.oid = l.collnamespace
  union all
  select 'statistics', pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(s.stxname), 'pg_statistic_ext', s.oid, s.stxowner
  from pg_catalog.pg_statistic_ext s join pg_catalog.pg_namespace n on n.oid = s.stxnamespace
  union all
  select 'schema', pg_catalog.quote_ident(n.nspname), 'pg_namespace', n.oid, n.nspowner from pg_catalog.pg_namespace n
  union all
  select 'extension', pg_catalog.quote_ident(e.extname), 'pg_extension', e.oid, e.extowner from pg_catalog.pg_extension e
  union all
  select 'event trigger', pg_catalog.quote_ident(e.evtname), 'pg_event_trigger', e.oid, e.evtowner from pg_catalog.pg_event_trigger e
  union all
  select 'publication', pg_catalog.quote_ident(p.pubname), 'pg_publication', p.oid, p.pubowner from pg_catalog.pg_publication p
  union all
  select 'foreign data wrapper', pg_catalog.quote_ident(w.fdwname), 'pg_foreign_data_wrapper', w.oid, w.fdwowner
  from pg_catalog.pg_foreign_data_wrapper w
  union all
  select 'server', pg_catalog.quote_ident(s.srvname), 'pg_foreign_server', s.oid, s.srvowner from pg_catalog.pg_foreign_server s
  union all
  select 'default privileges',
    pg_catalog.concat_ws(' ', 'for role', pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.defaclrole)),
      'in schema ' || pg_catalog.quote_ident(n.nspname), 'on', case a.defaclobjtype when 'r' then 'tables' when 'S' then 'sequences'
        when 'f' then 'functions' when 'T' then 'types' when 'n' then 'schemas' else 'large objects' end), 'pg_default_acl', a.oid, a.defaclrole
  from pg_catalog.pg_default_acl a left join pg_catalog.pg_namespace n on n.oid = a.defaclnamespace
), asked as materialized (
  select o.kind, o.identity, o.class, o.object, o.owner
  from objects o
  where pg_catalog.replace(o.kind || ' ' || o.identity, '"', '') in (select w.name from wanted w)
), facts (class, object, writer) as (
  -- The row itself, and those of what is told as part of it: columns, defaults, a view's query, an enum's values, a comment.
  select 'pg_class', r.oid, r.xmin from pg_catalog.pg_class r
  union all select 'pg_class', r.attrelid, r.xmin from pg_catalog.pg_attribute r
  union all select 'pg_class', r.adrelid, r.xmin from pg_catalog.pg_attrdef r
  union all select 'pg_class', r.inhrelid, r.xmin from pg_catalog.pg_inherits r
  union all select 'pg_class', r.seqrelid, r.xmin from pg_catalog.pg_sequence r
  union all select 'pg_class', r.ftrelid, r.xmin from pg_catalog.pg_foreign_table r
  union all select 'pg_class', r.indexrelid, r.xmin from pg_catalog.pg_index r
  union all select 'pg_class', r.ev_class, r.xmin from pg_catalog.pg_rewrite r where r.rulename = '_RETURN'
  union all select 'pg_constraint', r.oid, r.xmin from pg_catalog.pg_constraint r
  union all select 'pg_constraint', k.oid, r.xmin
    from pg_catalog.pg_constraint k join pg_catalog.pg_index r on r.indexrelid = k.conindid and k.contype in ('p', 'u', 'x')
  union all select 'pg_policy', r.oid, r.xmin from pg_catalog.pg_policy r
  union all select 'pg_trigger', r.oid, r.xmin from pg_catalog.pg_trigger r
  union all select 'pg_rewrite', r.oid, r.xmin from pg_catalog.pg_rewrite r
  union all select 'pg_proc', r.oid, r.xmin from pg_catalog.pg_proc r
  union all select 'pg_type', r.oid, r.xmin from pg_catalog.pg_type r
  union all select 'pg_type', r.enumtypid, r.xmin from pg_catalog.pg_enum r
  union all select 'pg_type', r.contypid, r.xmin from pg_catalog.pg_constraint r where r.contypid <> 0
  union all select 'pg_collation', r.oid, r.xmin from pg_catalog.pg_collation r
  union all select 'pg_statistic_ext', r.oid, r.xmin from pg_catalog.pg_statistic_ext r
  union all select 'pg_namespace', r.oid, r.xmin from pg_catalog.pg_namespace r
  union all select 'pg_extension', r.oid, r.xmin from pg_catalog.pg_extension r
  union all select 'pg_event_trigger', r.oid, r.xmin from pg_catalog.pg_event_trigger r
  union all select 'pg_publication', r.oid, r.xmin from pg_catalog.pg_publication r
  union all select 'pg_publication', r.prpubid, r.xmin from pg_catalog.pg_publication_rel r
  union all select 'pg_foreign_data_wrapper', r.oid, r.xmin from pg_catalog.pg_foreign_data_wrapper r
  union all select 'pg_foreign_server', r.oid, r.xmin from pg_catalog.pg_foreign_server r
  union all select 'pg_default_acl', r.oid, r.xmin from pg_catalog.pg_default_acl r
  union all select c.relname, r.objoid, r.xmin
    from pg_catalog.pg_description r join pg_catalog.pg_class c on c.oid = r.classoid
)
select o.kind, o.identity, pg_catalog.pg_get_userbyid(o.owner),
  pg_catalog.max(case when pg_catalog.current_setting('track_commit_timestamp')::pg_catalog.bool
    then pg_catalog.pg_xact_commit_timestamp(f.writer) end)
from asked o
join facts f on f.class = o.class and f.object = o.object
group by o.kind, o.identity, o.owner;
