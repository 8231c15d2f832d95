-- Purpose: the tenant that the session names, if the user belongs to it in one of the roles that are asked for. As active_tenant, but for
--   commands that not every member may run.
-- Search path: pg_temp last, for active_tenant.sql's reason.
-- Parameters: {function}, {type}, {memberships}, {tenant}, {user}, {role} columns, {who} the user, {setting} as a string, {alive} what else
--   holds of a membership that counts.
-- Privileges: CREATE on the schema. Lowest version: 13.
create function {function}(wanted text[]) returns {type} language plpgsql stable parallel safe security definer set search_path = pg_catalog, pg_temp as
$$ begin
  return (
    select m.{tenant} from {memberships} m
    where m.{user} = {who}
      and m.{tenant} = nullif(pg_catalog.current_setting({setting}, true), '')::{type}
      and m.{role}::text = any (wanted){alive}
    limit 1);
end $$;
