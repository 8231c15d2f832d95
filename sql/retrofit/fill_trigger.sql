-- Purpose: calls the function that fills the tenant column.
-- Parameters: {trigger}, {table}, {columns} of the foreign key, {function}. Privileges: TRIGGER on the table. Lowest version: 13.
create trigger {trigger} before insert or update of {columns} on {table}
  for each row execute function {function}();
