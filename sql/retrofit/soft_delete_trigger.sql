-- Purpose: calls the function that says since when a row is deleted.
-- Parameters: {trigger}, {table}, {column}, {function}. Privileges: TRIGGER on the table. Lowest version: 13.
create trigger {trigger} before update of {column} on {table}
  for each row when (old.{column} is null and new.{column} is not null) execute function {function}();
