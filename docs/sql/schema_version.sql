-- no parameters
prepare schema_version as
select version, compatible_from as "compatibleFrom" from simple_queue.version order by version desc limit 1;
