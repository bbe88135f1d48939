// By its namespace: TypeORM 0.2 has no such export, and a named import would fail before it can be said.
import * as typeorm from 'typeorm';
import type { DataSource } from 'typeorm';
import { oldTypeOrm } from './type-orm.js';

/** A DataSource, its token (class or symbol), or its name as in `getDataSourceToken` of @nestjs/typeorm. */
export type DataSourceChoice =
  DataSource | symbol | (abstract new (...args: never[]) => unknown) | string;

type DataSourceToken = symbol | (abstract new (...args: never[]) => unknown) | string;

/** The tokens of @nestjs/typeorm, without needing it: the class for the default DataSource, `${name}DataSource` for others. */
export function dataSourceToken(choice: DataSourceToken = 'default'): DataSourceToken {
  if (typeof choice !== 'string') return choice;
  if (choice !== 'default') return `${choice}DataSource`;
  if (!('DataSource' in typeorm)) throw oldTypeOrm();
  return typeorm.DataSource;
}
