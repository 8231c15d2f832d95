-- Purpose: the INVALID indexes that a REINDEX CONCURRENTLY left: those made for it carry _ccnew or _ccold in their name.
-- Parameters: $1 the oids of INVALID indexes that were there before, comma separated. Privileges: none. Lowest version: 13.
select pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) as name, false as valid
from pg_catalog.pg_index i
join pg_catalog.pg_class c on c.oid = i.indexrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where not i.indisvalid
  and c.relname ~ '_cc(new|old)[0-9]*\Z'
  and i.indexrelid <> all (('{' || $1 || '}')::oid[])
order by n.nspname, c.relname;
