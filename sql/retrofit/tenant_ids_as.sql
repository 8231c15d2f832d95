-- Purpose: the tenants that the user belongs to in one of the roles that are asked for. As tenant_ids, but for commands that not every
--   member may run.
-- Search path: pg_temp last, for active_tenant.sql's reason.
-- Parameters: {function}, {type}, {memberships}, {tenant}, {user}, {role} columns, {who} the user, {alive} what else holds of a membership
--   that counts.
-- Privileges: CREATE on the schema. Lowest version: 13.
create function {function}(wanted text[]) returns {type}[] language plpgsql stable parallel safe security definer set search_path = pg_catalog, pg_temp as
$$ begin
  return array(
    select m.{tenant} from {memberships} m
    where m.{user} = {who} and m.{role}::text = any (wanted){alive});
end $$;
