/** What every command may say of itself, before or after its name. */
export interface SharedFlags {
  url?: string;
  schema: string;
  timeout: number;
  json?: boolean;
  color: boolean;
}
