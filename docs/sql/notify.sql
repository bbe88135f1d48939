-- $1 text, $2 text
prepare notify as
select pg_catalog.pg_notify($1, $2);
