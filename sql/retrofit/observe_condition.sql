-- Purpose: passes every row, and counts the statement at the first one that the enforced policy would not pass: a subquery that asks nothing
--   of the row is run once a statement, and only when it is needed. IS NOT NULL is what the planner takes for true; the last part is never
--   reached, and makes the condition dear enough to come after the query's own.
-- Parameters: {mine} the comparison, {count} and {tenant} functions, {command} a string, {write} true or false.
-- Privileges: none. Lowest version: 13.
{mine} or (select {count}(current_user, {command}, {tenant}({write}) is not null)) is not null or {count}(current_user, {command}, true);
