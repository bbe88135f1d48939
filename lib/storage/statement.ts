/** One SQL statement, written for the schema `simple_queue`; its name is that of the prepared statement ('': not prepared). */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

export const statement = (name: string, text: string): Statement => ({ name, text });
