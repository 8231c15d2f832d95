-- Purpose: what makes the text of a definition the same, whatever role, database or client have set, and one picture of all queries.
--   With an empty search path the server qualifies every name that is not its own.
-- Parameters: none. Privileges: none. Lowest version: 13.
begin transaction isolation level repeatable read, read only;
set local search_path = '';
set local datestyle = 'ISO, MDY';
set local intervalstyle = 'postgres';
set local timezone = 'UTC';
set local bytea_output = 'hex';
set local extra_float_digits = 1;
set local quote_all_identifiers = off;
set local xmlbinary = 'base64';
set local lc_monetary = 'C';
set local lc_numeric = 'C';
set local lc_time = 'C';
set local standard_conforming_strings = on;
set local jit = off;
set local lock_timeout = '5s';
