-- Purpose: which rows of another tool's ledger were adopted before, under the version of which file.
-- Parameters: $1 the other ledger, schema.table. Privileges: USAGE on schema rlsctl, SELECT on rlsctl.event. Lowest version: 13.
select distinct e.detail ->> 'row', e.version
from rlsctl.event e
where e.kind = 'adopted' and e.version is not null and e.detail ->> 'ledger' = $1 and e.detail ->> 'row' is not null
  and e.detail ->> 'row' <> e.version
order by 2;
