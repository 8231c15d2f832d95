-- Purpose: calls the function that refuses a row whose parent is of another tenant, when a foreign key would be looked at.
-- Parameters: {trigger}, {table}, {columns} of the foreign key and the tenant's, {deferrable} as the foreign key is, {function}.
-- Privileges: TRIGGER on the table. Lowest version: 13.
create constraint trigger {trigger} after insert or update of {columns} on {table}{deferrable}
  for each row execute function {function}();
