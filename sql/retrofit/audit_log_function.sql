-- Purpose: writes a row of the log for each row that is written. It has its owner's rights, as nobody else may write the log; so the role
--   that acts is not current_user, which is the owner here, but what SET ROLE says, or else who has connected.
--   A row that goes from one tenant to another is told to each with what it had of it, and no more.
-- Search path: pg_temp last, for active_tenant.sql's reason.
-- Parameters: {function}, {table} the log, {type} of the tenant, {user} who the session says it is, as text. The trigger's argument is the
--   column of the tenant.
-- Privileges: CREATE on the schema. Lowest version: 13.
create function {function}() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as
$$ declare
  old_row jsonb := case when tg_op <> 'INSERT' then pg_catalog.to_jsonb(old) end;
  new_row jsonb := case when tg_op <> 'DELETE' then pg_catalog.to_jsonb(new) end;
  acting name := coalesce(nullif(pg_catalog.current_setting('role'), 'none'), session_user);
  was {type} := (old_row ->> tg_argv[0])::{type};
  is_now {type} := (new_row ->> tg_argv[0])::{type};
begin
  insert into {table} (tenant_id, session_role, acting_role, application_name, said_user, table_name, command, old_row, new_row)
  select t.tenant, session_user, acting, pg_catalog.current_setting('application_name'), {user},
    pg_catalog.format('%I.%I', tg_table_schema, tg_table_name), tg_op, t.old_row, t.new_row
  from (
    select coalesce(is_now, was) as tenant, old_row, new_row where tg_op <> 'UPDATE' or was is not distinct from is_now
    union all
    select was, old_row, null where tg_op = 'UPDATE' and was is distinct from is_now
    union all
    select is_now, null, new_row where tg_op = 'UPDATE' and was is distinct from is_now) t;
  return null;
end $$;
