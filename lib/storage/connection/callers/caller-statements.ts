import { createHash } from 'node:crypto';
import type pg from 'pg';
import { OWN_PARSERS } from '../own-parsers.js';
import type { Statement } from '../statement.js';

/** What is sent for a statement on a connection of the application. */
export class CallerStatements {
  private readonly names = new WeakMap<Statement, string>();

  constructor(
    private readonly settings: {
      preparedStatements: boolean;
      textOf: (statement: Statement) => string;
    },
  ) {}

  /**
   * What only inserts is prepared: parsing and planning cost as much as the insert itself. Nothing else is: under an application's settings
   * the server may keep a plan that was made while the tables were small.
   */
  configOf(statement: Statement, values: unknown[]): pg.QueryConfig {
    const text = this.settings.textOf(statement);
    const isPrepared = this.settings.preparedStatements && statement.onlyInserts;
    if (!isPrepared) return { text, values, types: OWN_PARSERS };
    const name = this.nameOf(statement, text);
    // The driver copies each member at a price.
    return statement.isCounted
      ? { name, text, values }
      : { name, text, values, types: OWN_PARSERS };
  }

  /** Told apart by text, too: another instance of the module may use the same connection for another schema. */
  private nameOf(statement: Statement, text: string): string {
    let name = this.names.get(statement);
    if (name === undefined) {
      name = `sq_${statement.name}_${createHash('sha256').update(text).digest('hex').slice(0, 8)}`;
      this.names.set(statement, name);
    }
    return name;
  }
}
