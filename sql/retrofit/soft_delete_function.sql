-- Purpose: a row that is deleted by a session that row security holds back is so from this transaction on: by this time, exactly, the
--   policies let its own transaction see it, without which they would refuse the UPDATE (the new row has to pass the SELECT policy too).
--   Whoever is not held back may write any time.
-- Parameters: {function}, {column}, {type}.
-- Privileges: CREATE on the schema. Lowest version: 13.
create function {function}() returns trigger language plpgsql set search_path = '' as
$$ begin
  if pg_catalog.row_security_active(tg_relid) then
    new.{column} := pg_catalog.now()::{type};
  end if;
  return new;
end $$;
