-- Purpose: what a run has to know of the ledger before it starts: its format and its head. Fails with 42P01 or 3F000 where there
--   is no ledger yet; the rows of the statements before it in the message have arrived by then.
-- Parameters: none. Privileges: USAGE on schema rlsctl and SELECT on its tables. Lowest version: 13.
select format from rlsctl.meta;
select pg_catalog.count(*) as applied,
  pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(
    coalesce(pg_catalog.string_agg(l.version || ' ' || l.checksum || E'\n', '' order by l.sort_key), ''), 'UTF8')), 'hex') as head,
  exists (select from rlsctl.step s where not exists (select from rlsctl.ledger a where a.version = s.version)) as unfinished
from rlsctl.ledger l;
