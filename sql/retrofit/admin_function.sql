-- Purpose: lists a table across tenants for admins, who need no privileges on it. Besides EXECUTE it looks who asks: inside, current_user is
--   the function's owner, so it is what SET ROLE says that counts, or else who has connected. Privileges have to be there without a further
--   SET ROLE ('usage'): who connects for users and could become an admin is none yet.
-- Search path: pg_temp last, for active_tenant.sql's reason.
-- Parameters: {function}, {table}, {roles} an array of the admins' roles.
-- Privileges: CREATE on the schema. Lowest version: 13.
create function {function}() returns setof {table} language plpgsql stable security definer set search_path = pg_catalog, pg_temp as
$$ declare
  asking name := coalesce(nullif(pg_catalog.current_setting('role'), 'none'), session_user);
begin
  if not exists (
    select from pg_catalog.pg_roles r
    where r.rolname = any ({roles}) and pg_catalog.pg_has_role(asking, r.oid, 'usage'))
  then
    raise insufficient_privilege using message = pg_catalog.format('%I is no admin', asking);
  end if;
  return query select t.* from {table} t;
end $$;
