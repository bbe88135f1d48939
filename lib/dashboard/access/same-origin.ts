import type { Asked } from './asked.js';

/** No form and no link can send it, and a foreign page only where the application's CORS lets it. */
const OWN_HEADER = 'x-simple-queue';

/** Why a write is not one of the page's own; undefined: it is. */
export function foreignWrite(asked: Asked): string | undefined {
  const { headers } = asked;
  if (!headers[OWN_HEADER]) return `The header ${OWN_HEADER} is missing.`;
  if (!/^application\/json\b/i.test(headers['content-type'] ?? ''))
    return 'The content type must be application/json.';
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin' ? undefined : 'It comes from another site.';
  return foreignOrigin(headers.origin, headers.host);
}

/** Responses are for the page, and for whoever types their address. */
export function foreignLook({ headers }: Asked): string | undefined {
  const site = headers['sec-fetch-site'];
  return site === undefined || site === 'same-origin' || site === 'none'
    ? undefined
    : 'It comes from another site.';
}

/** Browsers say where they come from over plain HTTP as well; what says nothing of it is no browser. */
function foreignOrigin(origin: string | undefined, host = ''): string | undefined {
  if (origin === undefined) return undefined;
  if (URL.canParse(origin) && new URL(origin).host === host) return undefined;
  return 'It comes from another origin than it goes to. A reverse proxy has to pass the header Host on.';
}
