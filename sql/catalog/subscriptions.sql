-- Purpose: subscriptions of this database. The connection string is a secret and is not read; whether one is enabled is operation.
-- Parameters: none. Privileges: none. Lowest version: 13.
select 'subscription', pg_catalog.quote_ident(s.subname), 0,
  pg_catalog.concat_ws(E'\n',
    'owner ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(s.subowner)),
    (select pg_catalog.string_agg('publication ' || pg_catalog.quote_ident(p), E'\n' order by p collate "C")
      from pg_catalog.unnest(s.subpublications) p)),
  null, null, null
from pg_catalog.pg_subscription s
where s.subdbid = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database());
