-- Purpose: what was adopted before: each other ledger, and which of its rows under the version of which file. The row is null where
--   the ledger only says how far it got; the version too in the row about an adoption as a whole.
-- Parameters: none. Privileges: USAGE on schema rlsctl, SELECT on rlsctl.event. Lowest version: 13.
select distinct e.detail ->> 'ledger', e.detail ->> 'row', e.version
from rlsctl.event e
where e.kind = 'adopted' and e.detail ->> 'ledger' is not null
order by 1, 3, 2;
