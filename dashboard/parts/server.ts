/** This script is served beside the questions that it asks. */
export const ROOT = new URL('../', import.meta.url);

/** A look that takes longer is given up, and the page says so. */
const MOST_MS = 30_000;

export interface Said {
  [name: string]: string | undefined;
}

/** What the server refused, in its words. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

function address(path: string, said: Said): URL {
  const url = new URL(path, ROOT);
  for (const [name, value] of Object.entries({ in: instance.name, ...said }))
    if (value) url.searchParams.set(name, value);
  return url;
}

/** Which of several instances the page shows; '' for the first. */
export const instance = { name: '' };

export async function ask<Answer>(look: string, said: Said = {}): Promise<Answer> {
  const signal = AbortSignal.timeout(MOST_MS);
  return answerOf(await reached(fetch(address(`api/${look}`, said), { signal })));
}

export async function tell<Answer>(action: string, body: object): Promise<Answer> {
  const headers = { 'content-type': 'application/json', 'x-simple-queue': '1' };
  const request = { method: 'POST', headers, body: JSON.stringify(body) };
  return answerOf(await reached(fetch(address(`api/${action}`, {}), request)));
}

export const stream = (): EventSource => new EventSource(address('events', {}));

async function reached(fetched: Promise<Response>): Promise<Response> {
  try {
    return await fetched;
  } catch {
    throw new Refused(0, 'UNREACHABLE', 'The application does not answer.');
  }
}

/** A guard may answer anything, such as a page to log in. */
async function answerOf<Answer>(response: Response): Promise<Answer> {
  const isJson = /json/.test(response.headers.get('content-type') ?? '') && !response.redirected;
  const answer: unknown = isJson ? await response.json() : {};
  if (response.ok && isJson) return answer as Answer;
  const { code = 'REFUSED', message } = answer as { code?: string; message?: string };
  const words =
    response.status === 401 || response.redirected
      ? 'You are not logged in any more. Load the page again.'
      : `The application replied ${response.status}.`;
  throw new Refused(response.status, code, message ?? words);
}
