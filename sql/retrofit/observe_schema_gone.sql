-- Purpose: the counters' schema goes with the last of them.
-- Parameters: none. Privileges: ownership of the schema. Lowest version: 13.
do $$ begin drop schema rlsctl_observe; exception when dependent_objects_still_exist then null; end $$;
