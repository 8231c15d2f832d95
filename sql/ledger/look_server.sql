-- Purpose: what a run has to know of server and role before it starts; the first statement of a message whose others are about ledgers.
-- Parameters: none. Privileges: CONNECT. Lowest version: 13.
select pg_catalog.current_setting('server_version_num') as server_version_num,
  pg_catalog.current_database() as database,
  session_user as session_role,
  current_user as acting_role,
  pg_catalog.pg_is_in_recovery() as in_recovery,
  pg_catalog.current_setting('transaction_read_only') as read_only,
  pg_catalog.current_setting('lock_timeout') as lock_timeout,
  pg_catalog.current_setting('statement_timeout') as statement_timeout,
  (extract(epoch from pg_catalog.current_setting('deadlock_timeout')::interval) * 1000)::integer as deadlock_timeout_ms,
  pg_catalog.pg_backend_pid() as pid,
  pg_catalog.pg_relation_size('pg_catalog.pg_class'::pg_catalog.regclass) as pg_class_bytes;
