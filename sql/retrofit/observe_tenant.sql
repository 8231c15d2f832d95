-- Purpose: the tenant that a session would have under enforced policies, and nothing where it would have none: no policy is for its role,
--   it says nothing, or what it says cannot be read. It never fails, as the application goes on without policies today. Values that are
--   plainly of the type are read without a subtransaction, which a parallel query of PostgreSQL 13 to 16 could not begin.
-- Parameters: {function}, {type}, {is_app} and {is_reader} whether a policy for writing, for reading only, is for the role, {is_plain}, {own}.
-- Privileges: CREATE on the schema. Lowest version: 13.
create function {function}(is_write boolean) returns {type} language plpgsql stable parallel restricted set search_path = pg_catalog, pg_temp as
$observe$ begin
  if ({is_app} or (not is_write and {is_reader})) is not true then return null; end if;
  if {is_plain} then return {own}; end if;
  begin return {own}; exception when others then return null; end;
end $observe$;
