-- Purpose: takes the log away where nothing was written to it. One with rows stays, as it is: they are kept nowhere else.
-- Parameters: {table}, {name} of the table, a string, {keep_function} the function that refuses changes.
-- Privileges: ownership of the table. Lowest version: 13.
do $$ begin
  if exists (select from {table}) then
    raise notice '% has rows and stays', {name};
  else
    drop table {table};
    drop function {keep_function}();
  end if;
end $$;
