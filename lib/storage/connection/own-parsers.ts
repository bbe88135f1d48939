import type pg from 'pg';
import { bytesOf, dateOf } from '../claim/row-mapper.js';

type Parser = (text: string) => unknown;

const json: Parser = (text) => JSON.parse(text) as unknown;

/** By PostgreSQL's number for the type. What is not here stays text, as int8 does. */
const PARSERS: Readonly<Record<number, Parser>> = {
  16: (text) => text === 't',
  17: bytesOf,
  21: Number,
  23: Number,
  26: Number,
  114: json,
  700: Number,
  701: Number,
  1184: dateOf,
  3802: json,
};

/** Arrays of one dimension, by the type of what is in them. */
const ARRAYS: Readonly<Record<number, number>> = {
  1000: 16,
  1005: 21,
  1007: 23,
  1009: 25,
  1022: 701,
  2951: 2950,
  3807: 3802,
};

const ELEMENT = /"((?:[^"\\]|\\.)*)"|([^",{}]+)/g;

const asIs: Parser = (text) => text;

const arrayParser =
  (parse: Parser): Parser =>
  (text) =>
    [...text.matchAll(ELEMENT)].map(([, quoted, bare]) => {
      if (quoted !== undefined) return parse(quoted.replace(/\\(.)/gs, '$1'));
      return bare === 'NULL' ? null : parse(bare!);
    });

const ALL: Readonly<Record<number, Parser>> = {
  ...PARSERS,
  ...Object.fromEntries(
    Object.entries(ARRAYS).map(([array, element]) => [
      array,
      arrayParser(PARSERS[element] ?? asIs),
    ]),
  ),
};

/** How our statements are read, whatever an application sets in `pg.types`, or its DataSource in `extra: { types }`. */
export const OWN_PARSERS: pg.CustomTypesConfig = {
  getTypeParser: ((type: number) => ALL[type] ?? asIs) as typeof pg.types.getTypeParser,
};
