-- Purpose: calls the function that refuses changes of the log.
-- Parameters: {trigger}, {table}, {function}. Privileges: TRIGGER on the table. Lowest version: 13.
create trigger {trigger} before update or delete or truncate on {table}
  for each statement execute function {function}();
