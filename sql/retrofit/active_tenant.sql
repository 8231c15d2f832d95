-- Purpose: the tenant that the session names, if the user belongs to it. It reads the memberships with its owner's rights: a policy that
--   reads them with the user's own would be held back by them. Before PostgreSQL 18 only PL/pgSQL keeps the plan between statements.
--   pg_temp comes last: it would be searched first otherwise, and a domain of the caller's there, called as a type is, would run its check
--   with the owner's rights.
-- Parameters: {function}, {type}, {memberships}, {tenant}, {user} columns, {who} the user, {setting} as a string,
--   {alive} what else holds of a membership that counts.
-- Privileges: CREATE on the schema. Lowest version: 13.
create function {function}() returns {type} language plpgsql stable parallel safe security definer set search_path = pg_catalog, pg_temp as
$$ begin
  return (
    select m.{tenant} from {memberships} m
    where m.{user} = {who}
      and m.{tenant} = nullif(pg_catalog.current_setting({setting}, true), '')::{type}{alive}
    limit 1);
end $$;
