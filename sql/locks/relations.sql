-- Purpose: the relations that some names mean to this session; an index stands for its table. A name that means none has no row.
-- Parameters: $1 names, quoted where that is needed; an array. Privileges: USAGE on their schemas. Lowest version: 13.
select w.place, c.oid, n.nspname, c.relname, c.relkind
from pg_catalog.unnest($1::text[]) with ordinality as w(name, place)
join pg_catalog.pg_class m on m.oid = pg_catalog.to_regclass(w.name)
left join pg_catalog.pg_index i on i.indexrelid = m.oid
join pg_catalog.pg_class c on c.oid = coalesce(i.indrelid, m.oid)
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
order by w.place;
