-- Purpose: refuses a row whose parent is of another tenant, where no foreign key can say so. A parent that is not to be seen counts as
--   another's. It reads with its owner's rights, as a foreign key does: who writes the row may lack SELECT on the parent.
-- Search path: pg_temp last, for active_tenant.sql's reason.
-- Parameters: {function}, {parent} table, {given} as in new.project_id is not null, {match} as in p.id = new.project_id, {same} as
--   in p.tenant_id = new.tenant_id, {words} of the message, a string.
-- Privileges: CREATE on the schema, SELECT on the parent. Lowest version: 13.
create function {function}() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as
$$ begin
  if {given} and not exists (select from {parent} p where {match} and {same}) then
    raise foreign_key_violation using message = {words}, schema = tg_table_schema, table = tg_table_name, constraint = tg_name;
  end if;
  return null;
end $$;
