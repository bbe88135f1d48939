import { statement } from '../connection/statement.js';

/**
 * What is in the schema $1, part by part as the server writes it, with the table that owns it. Partitions come and go: of the passing
 * ones only broken indexes are listed, of the default ones the index that no other has. The schema's name is cut out of definitions.
 */
export const DESCRIBE_SCHEMA = statement(
  'describe_schema',
  `with ours as materialized (
    select c.oid, c.relname::text as name, c.relkind, c.reloptions, c.relispartition as part,
      case c.relpersistence when 'p' then '' else ' unlogged' end || case when c.relrowsecurity or c.relforcerowsecurity then ' with row level security' else '' end as unlike
    from pg_catalog.pg_class c
    where c.relnamespace = to_regnamespace($1) and c.relkind in ('r', 'p', 'v') and c.relname <> 'migration'),
  lasting as (select * from ours where not part)
  select 'table' as kind, name as owner, name, case relkind when 'p' then 'partitioned' when 'v' then 'view' else 'plain' end || unlike as definition, true as valid
    from ours where not part or name in ('archive_default', 'dead_letter_default', 'tally_default')
  union all
  select 'parameter', l.name, split_part(o, '=', 1), split_part(o, '=', 2), true from lasting l cross join lateral unnest(l.reloptions) o
  union all
  select 'column', l.name, a.attname::text, replace(pg_catalog.format_type(a.atttypid, a.atttypmod) || case when a.attnotnull then ' not null' else '' end
      || case when a.attidentity <> '' then ' identity' else '' end || coalesce(' default ' || pg_catalog.pg_get_expr(d.adbin, d.adrelid), ''), quote_ident($1) || '.', ''), true
    from lasting l join pg_catalog.pg_attribute a on a.attrelid = l.oid and a.attnum > 0 and not a.attisdropped
    left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  union all
  select 'index', o.name, i.relname::text, case when x.indisunique then 'unique ' else '' end
      || regexp_replace(pg_catalog.pg_get_indexdef(x.indexrelid), '^.* USING btree ', ''), x.indisvalid and x.indisready
    from ours o join pg_catalog.pg_index x on x.indrelid = o.oid join pg_catalog.pg_class i on i.oid = x.indexrelid
    where not o.part or not (x.indisvalid and x.indisready) or i.relname in ('archive_default_expiry', 'dead_letter_default_expiry', 'tally_default_expiry')
  union all
  select 'constraint', l.name, k.conname::text, replace(pg_catalog.pg_get_constraintdef(k.oid), quote_ident($1) || '.', ''), true
    from lasting l join pg_catalog.pg_constraint k on k.conrelid = l.oid where k.contype in ('c', 'f')
  union all
  select 'domain', t.typname::text, k.conname::text, pg_catalog.format_type(t.typbasetype, -1) || ' ' || pg_catalog.pg_get_constraintdef(k.oid), k.convalidated
    from pg_catalog.pg_type t join pg_catalog.pg_constraint k on k.contypid = t.oid where t.typnamespace = to_regnamespace($1)
  union all
  select 'trigger', l.name, t.tgname::text, 'trigger', true from lasting l join pg_catalog.pg_trigger t on t.tgrelid = l.oid where not t.tgisinternal
  union all
  select 'trigger', l.name, r.rulename::text, 'rule', true from lasting l join pg_catalog.pg_rewrite r on r.ev_class = l.oid where r.rulename <> '_RETURN'
  union all
  select 'function', p.proname::text, p.proname::text, '(' || pg_catalog.pg_get_function_identity_arguments(p.oid) || ')', true
    from pg_catalog.pg_proc p where p.pronamespace = to_regnamespace($1)
  union all
  select 'sequence', s.relname::text, s.relname::text, 'sequence', true from pg_catalog.pg_class s
    where s.relnamespace = to_regnamespace($1) and s.relkind = 'S' and not exists (
      select from pg_catalog.pg_depend d where d.objid = s.oid and d.classid = 'pg_class'::regclass and d.deptype in ('i', 'a'))
  order by 1, 2, 3`,
);
