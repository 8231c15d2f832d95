-- Purpose: counts a statement of which the enforced policies would deny something, and lets it pass. What moves is a statistic, the number of
--   scans of an empty-handed relation, so that nothing is written: it counts in read-only transactions, in those that are rolled back, and
--   on standbys. One row is read where the session has a tenant and both where it has none, which tells the two apart. Parallel unsafe, as
--   the leader of a parallel query would call it before the first row; costly to the planner, so that the query's own conditions go first.
-- Parameters: {function}, {is_admin}, {roles} and {applications} the branches of a CASE each, {branches} one ELSIF a counter.
-- Privileges: CREATE on the schema. Lowest version: 13.
create function {function}(who name, command text, has_tenant boolean) returns boolean language plpgsql volatile parallel unsafe cost 10
  security definer set search_path = pg_catalog, pg_temp as
$observe$ declare
  role_number int := case {roles} else 0 end;
  application_number int := case {applications} else 0 end;
begin
  if {is_admin} then return true;
{branches}
  end if;
  return true;
end $observe$;
