import type { TestDatabase } from './database.js';

/** Types of our columns and parameters, and what their values become on the way. */
const TYPES = 'bool, int2, int4, int8, float8, numeric, text, varchar, name, uuid, timestamptz, interval, json, jsonb, bytea, regclass, "any"'; // prettier-ignore
const FUNCTIONS = 'array_agg, array_fill, array_position, array_remove, array_to_string, cardinality, clock_timestamp, count, current_setting, encode, format, gen_random_uuid, generate_series, hashtextextended, int8send, isfinite, jsonb_agg, jsonb_array_length, jsonb_build_array, jsonb_build_object, jsonb_path_exists, jsonb_strip_nulls, jsonb_typeof, length, lower, max, md5, min, nextval, now, octet_length, overlay, pg_advisory_xact_lock, pg_advisory_xact_lock_shared, pg_notify, pg_try_advisory_xact_lock, power, random, replace, set_bit, set_config, split_part, starts_with, statement_timestamp, string_agg, string_to_array, substring, sum, to_json, to_regclass, to_regnamespace, unnest, uuid_hash_extended, uuid_send'; // prettier-ignore
const OPERATORS = '= <> < > <= >= + - * / & || -> ->> #>> ?';

/**
 * Schema `evil` with what an intruder may put beside PostgreSQL's own: functions and operators of the names that statements use, of every
 * type that its own have only by a cast. They fit better, and are taken although PostgreSQL looks into its own schema first.
 */
export async function aHostileSchema(database: TestDatabase): Promise<void> {
  await database.query(`create schema evil; grant usage on schema evil to public`);
  await database.query(`do $do$
    declare
      f text; o text; a text; b text; made int := 0;
      plain text[] := string_to_array('${TYPES.replace(', "any"', '')}', ', ');
      kinds text[] := plain || (select array_agg(t || '[]') from unnest(plain) t);
    begin
      foreach f in array string_to_array('${FUNCTIONS}', ', ') loop
        foreach a in array kinds || ''::text loop
          foreach b in array (case when a = '' or a like '%[]' then array[''] else array['', 'int4', 'int8', 'text'] end) loop
            if to_regprocedure(format('pg_catalog.%s(%s)', f, concat_ws(',', nullif(a, ''), nullif(b, '')))) is not null then continue; end if;
            execute format('create function evil.%I(%s) returns %s language plpgsql as $$ begin raise exception ''reached evil.%s(%s)''; end $$',
              f, concat_ws(',', nullif(a, ''), nullif(b, '')), case when f in ('unnest', 'generate_series') then 'setof ' else '' end ||
              case f when 'unnest' then replace(coalesce(nullif(a, ''), 'text'), '[]', '') when 'cardinality' then 'int' when 'hashtextextended' then 'int8'
                when 'nextval' then 'int8' when 'statement_timestamp' then 'timestamptz' when 'clock_timestamp' then 'timestamptz' when 'count' then 'int8'
                when 'min' then coalesce(nullif(a, ''), 'text') when 'max' then coalesce(nullif(a, ''), 'text') when 'uuid_hash_extended' then 'int8' else 'text' end,
              f, concat_ws(',', nullif(a, ''), nullif(b, '')));
          end loop;
        end loop;
      end loop;
      foreach o in array string_to_array('${OPERATORS}', ' ') loop
        foreach a in array kinds loop
          foreach b in array kinds loop
            if a like '%[]' <> (b like '%[]') then continue; end if;
            if to_regoperator(format('pg_catalog.%s(%s,%s)', o, a, b)) is not null then continue; end if;
            execute format('create function evil.o%s(%s, %s) returns %s language plpgsql as $$ begin raise exception ''reached evil.%s(%s,%s)''; end $$',
              made, a, b, case when o in ('=', '<>', '<', '>', '<=', '>=', '?') then 'bool' when o = '||' then 'text' else a end, o, a, b);
            execute format('create operator evil.%s (leftarg = %s, rightarg = %s, function = evil.o%s)', o, a, b, made);
            made := made + 1;
          end loop;
        end loop;
      end loop;
    end $do$`);
}
