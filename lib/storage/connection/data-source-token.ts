import { DataSource } from 'typeorm';

/** A DataSource, its token (class or symbol), or its name as in `getDataSourceToken` of @nestjs/typeorm. */
export type DataSourceChoice =
  DataSource | symbol | (abstract new (...args: never[]) => unknown) | string;

type DataSourceToken = symbol | (abstract new (...args: never[]) => unknown) | string;

/** The tokens of @nestjs/typeorm, without needing it: the class for the default DataSource, `${name}DataSource` for others. */
export function dataSourceToken(choice: DataSourceToken = 'default'): DataSourceToken {
  if (typeof choice !== 'string') return choice;
  return choice === 'default' ? DataSource : `${choice}DataSource`;
}
