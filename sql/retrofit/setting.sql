-- Purpose: what the session says in a setting. One that was never made, and one that a finished transaction has emptied, say nothing.
-- Parameters: {setting} as a string, {type}. Privileges: none. Lowest version: 13.
(select nullif(current_setting({setting}, true), '')::{type});
