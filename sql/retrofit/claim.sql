-- Purpose: what a claim of the token says, read where it is used: parallel plans stay possible. An absent claim and an empty one say nothing.
-- Parameters: {claims} the setting with the claims as a string, {path} as in -> 'app_metadata' ->> 'tenant_id', {type}.
-- Privileges: none. Lowest version: 13.
(select nullif(nullif(current_setting({claims}, true), '')::json {path}, '')::{type});
