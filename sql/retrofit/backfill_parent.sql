-- Purpose: a round of a backfill from the parent: rows that have no tenant yet and whose parent has one. None left: no row.
-- Parameters: {table}, {column}, {key} columns of t, {joined} as in t.id = r.id, {parent}, {parent_column}, {match}, {rows} at most.
-- Privileges: SELECT and UPDATE. Lowest version: 13.
with round as (
  select {key}, p.{parent_column} as tenant
  from {table} t join {parent} p on {match}
  where t.{column} is null and p.{parent_column} is not null
  order by {key}
  limit {rows}
)
update {table} t set {column} = r.tenant
from round r
where {joined} and t.{column} is null;
