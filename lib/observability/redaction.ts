import { hush } from '../job/kinds.js';

/** Hides parts of a text: what matches, or what the function leaves out. */
export type Redact = RegExp | ((text: string) => string);

const HIDDEN = '[redacted]';
/** More of a text is not looked at, and not told. */
const MAX_READ = 4_000;

/** A value in quotes, which may be escaped in it, be escaped themselves (JSON in JSON), or be cut off. */
const QUOTED = String.raw`\\+"[\s\S]*?(?:\\"|$)|"(?:[^"\\]|\\[\s\S])*(?:"|\\?$)|'(?:[^'\\]|\\[\s\S])*(?:'|\\?$)`;

function named(names: string, value: string): RegExp {
  return new RegExp(String.raw`((?:${names})\\*["']?\s*[=:]\s*)${value}`, 'gi');
}

/** Secrets as they stand in messages of drivers and HTTP clients: credentials in an address, `password=...`, headers. */
const SECRETS: readonly [pattern: RegExp, instead: string][] = [
  [/(\/\/)(?:[^\s/:@]*:\S*|[^\s/:@?#]+)@/g, `$1${HIDDEN}@`],
  [/\b(Bearer|Basic)\s+[\w.~+/-]{6,}=*/gi, `$1 ${HIDDEN}`],
  [/\b(Digest)\s+\w+=[^\r\n]*/gi, `$1 ${HIDDEN}`],
  // Several cookies in a line, several parts of an authorization.
  [
    named(
      String.raw`(?:set-)?cookie|authorization`,
      String.raw`(?![\s"'\\]*(?:Bearer|Basic|Digest)\b)(?:${QUOTED}|[^\r\n]+)`,
    ),
    `$1${HIDDEN}`,
  ],
  [
    named(
      String.raw`passw(?:or)?d|pwd|passphrase|secret|token|api[_-]?key|access[_-]?key`,
      String.raw`(?:${QUOTED}|(?!Bearer|Basic|Digest)[^\s,;)}\]]+)`,
    ),
    `$1${HIDDEN}`,
  ],
];

/** What the application asks to hide, after what is hidden always. */
export function redaction(own?: Redact): (text: string) => string {
  const everywhere =
    own instanceof RegExp
      ? new RegExp(own.source, [...new Set(`${own.flags}g`)].join(''))
      : undefined;
  return (text) => {
    let clean = String(text).slice(0, MAX_READ);
    for (const [pattern, instead] of SECRETS) clean = clean.replace(pattern, instead);
    if (everywhere) return clean.replace(everywhere, HIDDEN);
    return typeof own === 'function' ? redactedBy(own, clean) : clean;
  };
}

/** What could not be redacted is not told. */
function redactedBy(own: (text: string) => string, text: string): string {
  try {
    const answer = own(text);
    hush(answer);
    return typeof answer === 'string' ? answer : HIDDEN;
  } catch {
    return HIDDEN;
  }
}
