-- Purpose: a round of a backfill from an expression over the row: rows that have no tenant yet and for which it gives one.
-- Parameters: {table}, {column}, {key} columns of t, {joined} as in t.id = r.id, {expression}, {type}, {rows} at most.
-- Privileges: SELECT and UPDATE. Lowest version: 13.
with round as (
  select {key}, ({expression})::{type} as tenant
  from {table} t
  where t.{column} is null and ({expression}) is not null
  order by {key}
  limit {rows}
)
update {table} t set {column} = r.tenant
from round r
where {joined} and t.{column} is null;
