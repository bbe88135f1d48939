-- $1 text, $2 text[]
prepare role_rights as
select has_schema_privilege(to_regnamespace($1), 'usage') as usage,
    array(select c.relname || ' (' || n.word || ')' from unnest($2::text[]) r cross join lateral split_part(r, ' ', 1) n(word)
      join pg_catalog.pg_class c on c.relnamespace = to_regnamespace($1) and c.relname = split_part(r, ' ', 2)
      where not case c.relkind when 'S' then has_sequence_privilege(c.oid, n.word) else has_table_privilege(c.oid, n.word) end order by 1) as missing,
    array(select c.relname::text from pg_catalog.pg_class c where c.relnamespace = to_regnamespace($1) and c.relkind = 'p'
      and not pg_has_role(c.relowner, 'usage') order by 1) as foreign;
