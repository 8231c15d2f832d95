-- Purpose: calls the function that writes the log, when all that changes the row has been done.
-- Parameters: {trigger}, {table}, {function}, {column} of the tenant, a string. Privileges: TRIGGER on the table. Lowest version: 13.
create trigger {trigger} after insert or update or delete on {table}
  for each row execute function {function}({column});
