-- Purpose: this transaction sees what the one sees that lent its picture. Before the first query.
-- Parameters: $1 what lend_picture.sql returned. Privileges: none. Lowest version: 13.
set transaction snapshot $1;
