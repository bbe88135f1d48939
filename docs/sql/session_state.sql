-- no parameters
prepare session_state as
select current_setting('default_transaction_isolation') as isolation, current_setting('default_transaction_read_only') as "readOnly";
