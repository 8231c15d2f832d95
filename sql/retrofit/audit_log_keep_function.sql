-- Purpose: refuses whatever would change the log or take from it, for everybody, its owner too. To clear away what is old, the owner disables the
--   trigger in the transaction that does so.
-- Parameters: {function}. Privileges: CREATE on the schema. Lowest version: 13.
create function {function}() returns trigger language plpgsql set search_path = '' as
$$ begin
  raise insufficient_privilege using message = pg_catalog.format('%s on %I.%I is refused: rows are only added to it', tg_op, tg_table_schema, tg_table_name);
end $$;
