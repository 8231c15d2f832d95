-- Purpose: fills the tenant column of a row that comes without one, from the row it belongs to: for as long as the application does not
--   know the column. It reads with the rights of who inserts: row security of the parent holds there too, so that a parent of another
--   tenant is not found. The plan sees to it that they may read these columns.
-- Parameters: {function}, {column}, {parent} table, {parent_column}, {match} as in p.id = new.project_id.
-- Privileges: CREATE on the schema; who inserts, SELECT on the columns of the parent. Lowest version: 13.
create function {function}() returns trigger language plpgsql set search_path = '' as
$$ begin
  if new.{column} is null then
    select p.{parent_column} into new.{column} from {parent} p where {match};
  end if;
  return new;
end $$;
