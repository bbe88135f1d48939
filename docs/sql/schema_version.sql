-- no parameters
prepare schema_version as
select v.version::text, v.compatible_from::text as "compatibleFrom" from simple_queue.version v order by v.version desc limit 1;
