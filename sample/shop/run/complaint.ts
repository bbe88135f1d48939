/** An end that the user can do something about: told in one line, without a stack. */
export class Complaint extends Error {}

interface SystemError extends Error {
  code?: string;
  port?: number;
}

/** What to print of an error that ends the shop. */
export function complaintOf(error: unknown): string {
  const { code, port, message, stack } = error as SystemError;
  if (error instanceof Complaint) return message;
  if (code === 'EADDRINUSE')
    return `Port ${port} is taken. Choose another: npm start -- --port 3001, or PORT=3001 npm start.`;
  if (code === 'EACCES' && port !== undefined)
    return `Port ${port} needs more rights than this user has. Choose one above 1023: --port 3000.`;
  return stack ?? String(error);
}
