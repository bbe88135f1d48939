import type { Answer } from './answer.js';
import type { Asked } from './access/asked.js';

/** What a proxy may say of the path that it took away; anything else is not believed. */
const PREFIX = /^(\/[\w.~%-]+)+$/;

const ICON = encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><g fill="#3b6fd4"><rect x="1" y="2" width="14" height="3" rx="1"/><rect x="1" y="6.5" width="10" height="3" rx="1"/><rect x="1" y="11" width="6" height="3" rx="1"/></g></svg>',
);

/** The page itself. Everything else it asks for by addresses beside its own. */
export function page(asked: Asked, version: string): Answer {
  const root = escaped(rootOf(asked));
  return html(`<title>Queues</title>
<link rel="icon" href="data:image/svg+xml,${ICON}">
<link rel="stylesheet" href="${root}/assets/page.css?${version}">
<script type="module" src="${root}/assets/page.js?${version}"></script>
</head><body><div id="page"></div><noscript>The dashboard needs JavaScript.</noscript>`);
}

/** For people who may not come in: where the page would be. */
export function refusal(status: number, text: string): Answer {
  return {
    ...html(`<title>Queues</title></head><body><h1>${status}</h1><p>${escaped(text)}</p>`),
    status,
  };
}

function html(content: string): Answer {
  const head =
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">';
  return { status: 200, type: 'text/html; charset=utf-8', body: `${head}${content}</body></html>` };
}

/**
 * Relative to the address in the browser, which ends as this one does, whatever a proxy has put before it. A proxy that says what it took
 * away is believed: mounted at its root, the page may have an address without any end of its own.
 */
function rootOf({ url, headers }: Asked): string {
  const path = url.pathname.replace(/\/+$/, '');
  const prefix = String(headers['x-forwarded-prefix'] ?? '').replace(/\/+$/, '');
  if (PREFIX.test(prefix)) return path.startsWith(`${prefix}/`) ? path : `${prefix}${path}`;
  if (url.pathname.endsWith('/')) return '.';
  return `./${path.slice(path.lastIndexOf('/') + 1)}`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escaped = (text: string): string => text.replace(/[&<>"']/g, (sign) => ENTITIES[sign]!);
