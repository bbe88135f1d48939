/** One SQL statement, written for the schema `simple_queue`; its name is that of the prepared statement ('': not prepared). */
export interface Statement {
  readonly name: string;
  readonly text: string;
  /** It reads no table (but lanes by their key), so that one plan is right for ever: kept by the server, and prepared on callers' connections, too. */
  readonly onlyInserts?: boolean;
  /** It returns nothing: how many rows it has written is enough, and spares their description. */
  readonly isCounted?: boolean;
  /** How its failure is described, where the name says nothing: "create the queue's tables". */
  readonly doing?: string;
}

/** Of a counted statement as many empty rows as it has written. */
export const rowsOf = <Row>(
  { isCounted }: Statement,
  { rows, rowCount }: { rows?: unknown[]; rowCount?: number | null | undefined },
): Row[] => (isCounted ? new Array<Row>(rowCount ?? 0) : (rows as Row[]));

export const statement = (name: string, text: string): Statement => ({ name, text });

export const insertion = (name: string, text: string): Statement => ({
  name,
  text,
  onlyInserts: true,
});
