-- Purpose: extensions and where they are. Version, owner and comment are the installation's: a restored dump has its server's own.
-- Parameters: none. Privileges: none. Lowest version: 13.
select 'extension', pg_catalog.quote_ident(e.extname), 0, 'schema ' || pg_catalog.quote_ident(n.nspname), null, null, null
from pg_catalog.pg_extension e
join pg_catalog.pg_namespace n on n.oid = e.extnamespace;
