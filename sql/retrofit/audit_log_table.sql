-- Purpose: what was written, by whom and when. A row is a tenant's, as what it tells of.
-- Parameters: {table}, {type} of the tenant.
-- Privileges: CREATE on the schema. Lowest version: 13.
create table {table} (
  id bigint generated always as identity primary key,
  tenant_id {type},
  written_at timestamptz not null default pg_catalog.clock_timestamp(),
  transaction_id bigint not null default pg_catalog.txid_current(),
  session_role name not null,
  acting_role name not null,
  application_name text,
  said_user text,
  table_name text not null,
  command text not null,
  old_row jsonb,
  new_row jsonb
);
