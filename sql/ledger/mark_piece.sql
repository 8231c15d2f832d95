-- Purpose: hands over a piece of the definitions of a mark, for write_mark.sql in the same transaction. Its length is told, not itself.
-- Parameters: $1 number of the piece, from 1, $2 the piece.
-- Privileges: none. Lowest version: 13.
select pg_catalog.length(pg_catalog.set_config(pg_catalog.concat('rlsctl.definitions_', $1), $2, true));
