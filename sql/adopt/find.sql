-- Purpose: tables that are other tools' ledgers, told by their columns: names are configurable, and `schema_migrations` is the name
--   of six tools' ledgers. `certain` is false where the columns are so few and common that they prove nothing by themselves.
--   Ledgers that Supabase's own services keep for themselves are left out: they are never the project's.
-- Parameters: none. Privileges: none. Lowest version: 13.
with signature (peer, needs, others, certain) as (
  values
    ('supabase', '{version,statements}'::text[], true, true),
    ('sqlx', '{version,description,installed_on,success,checksum,execution_time}', false, true),
    ('refinery', '{version,name,applied_on,checksum}', false, true),
    ('flyway', '{installed_rank,version,description,type,script,checksum,installed_on,success}', true, true),
    ('golang-migrate', '{version,dirty}', false, true),
    ('goose', '{version_id,is_applied,tstamp}', true, true),
    ('diesel', '{version,run_on}', false, true),
    ('prisma', '{migration_name,checksum,started_at,finished_at,rolled_back_at}', true, true),
    ('graphile', '{hash,previous_hash,filename,date}', true, true),
    ('knex', '{id,name,batch,migration_time}', false, true),
    ('node-pg-migrate', '{id,name,run_on}', false, true),
    ('sqitch', '{change_id,script_hash,change,project,committed_at}', true, true),
    ('atlas', '{version,description,type,applied,total,hash,partial_hashes,operator_version}', true, true),
    ('postgres-migrations', '{id,name,hash,executed_at}', false, true),
    ('pgroll', '{schema,name,migration,parent,done}', true, true),
    ('boundary', '{version,edition}', true, false),
    ('drizzle', '{id,hash,created_at}', true, false),
    ('ecto', '{version,inserted_at}', false, false),
    ('dbmate', '{version}', false, false)
), shape as (
  select c.oid, n.oid as nspoid, n.nspname, c.relname, pg_catalog.array_agg(a.attname::text) as columns
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  where c.relkind in ('r', 'p') and not c.relispartition
    and n.nspname not in ('pg_catalog', 'information_schema', 'rlsctl',
      'auth', 'storage', 'realtime', '_realtime', 'supabase_functions', '_analytics', '_supavisor')
    and n.nspname not like 'pg\_%'
  group by c.oid, n.oid, n.nspname, c.relname
)
select s.nspname, s.relname,
  case
    when g.peer <> 'dbmate' then g.peer
    when s.nspname = 'supabase_migrations' then 'supabase'
    when exists (
      select from pg_catalog.pg_class r where r.relnamespace = s.nspoid and r.relname = 'ar_internal_metadata') then 'rails'
    else 'dbmate'
  end as peer,
  g.certain or s.relname ~* 'migration|boundary_schema_version' as certain
from shape s
join signature g on s.columns @> g.needs and (g.others or s.columns <@ g.needs)
order by s.nspname, s.relname, g.peer;
