/** What every command may say of itself, before or after its name. */
export interface SharedFlags {
  url?: string;
  schema: string;
  timeout: number;
  /** Whose acts they are, for the audit; the user of the system where nobody says. */
  actor?: string;
  json?: boolean;
  color: boolean;
}
