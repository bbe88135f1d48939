import { shellWord } from '../runtime/words.js';
import type { SharedFlags } from './shared-flags.js';
import type { Terminal } from './show/terminal.js';

const USUAL_TIMEOUT_S = 30;

/** What a printed command repeats of the flags of this one, but `--schema`; it never leads to another database than this one. */
export function calledWith(
  { url, timeout, actor }: Pick<SharedFlags, 'url' | 'timeout' | 'actor'>,
  env: Terminal['env'],
): string {
  return [
    ...(url === undefined ? [] : urlWords(url, env)),
    ...(timeout === USUAL_TIMEOUT_S ? [] : [`--timeout ${timeout}`]),
    ...(actor === undefined ? [] : [`--actor=${shellWord(actor)}`]),
  ]
    .map((words) => ` ${words}`)
    .join('');
}

/** By the variable that has it, so that it may hold a password; else without its password, which the driver then takes from PGPASSWORD. */
function urlWords(url: string, env: Terminal['env']): string[] {
  if (url === env.DATABASE_URL) return [];
  const name = Object.keys(env).find((each) => /^[A-Za-z]\w*$/.test(each) && env[each] === url);
  return [name === undefined ? `--url ${shellWord(withoutPassword(url))}` : `--url "$${name}"`];
}

function withoutPassword(url: string): string {
  const [address = '', search = ''] = url.split('?');
  const kept = search.split('&').filter((part) => part && !/pass|pwd|secret|%/i.test(part.split('=')[0]!)); // prettier-ignore
  const open = address.replace(/^(\w+:\/\/[^:/@]*):[^@]*@/, '$1@');
  return open + (kept.length > 0 ? `?${kept.join('&')}` : '');
}
