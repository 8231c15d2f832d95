-- Purpose: fills the tenant column of a row that comes without one, from the row it belongs to: for as long as the application does not
--   know the column.
-- Parameters: {function}, {column}, {parent} table, {parent_column}, {match} as in p.id = new.project_id.
-- Privileges: CREATE on the schema. Lowest version: 13.
create function {function}() returns trigger language plpgsql set search_path = '' as
$$ begin
  if new.{column} is null then
    select p.{parent_column} into new.{column} from {parent} p where {match};
  end if;
  return new;
end $$;
