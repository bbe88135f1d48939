import { needsSomebody, type Trouble } from '../../job/trouble.js';
import { counted } from './numbers.js';
import type { Screen } from './screen.js';

/** Each with the command that shows more of it and the one that puts it right, what is no mere notice first. */
export function showTroubles(screen: Screen, troubles: Trouble[]): void {
  screen.say('');
  const [own, notices] = [troubles.filter(needsSomebody), troubles.filter((each) => !needsSomebody(each))]; // prettier-ignore
  const counts = [
    ...(own.length > 0 ? [counted(own.length, 'trouble')] : []),
    ...(notices.length > 0 ? [counted(notices.length, 'notice')] : []),
  ];
  screen.say({ text: counts.join(', '), tone: own.length > 0 ? 'bad' : 'warn' });
  for (const trouble of [...own, ...notices]) tell(screen, trouble);
}

function tell(screen: Screen, { code, text, hint, look, fix }: Trouble): void {
  for (const line of folded(`  ${code}  ${text}`, screen.width)) screen.say(line);
  const below = [`    look: ${look}`, `    ${hint}`, `    fix:  ${fix}`];
  // A command that is folded is still one command to a shell.
  const shown = below.filter((_, index) => [look, hint, fix][index] !== '');
  for (const line of shown)
    for (const part of folded(line, screen.width, line.includes('simple-queue') ? ' \\' : ''))
      screen.say({ text: part, tone: 'dim' });
}

/** Lines of at most `width`, folded between words; `tail` ends those that go on. */
function folded(text: string, width = Infinity, tail = ''): string[] {
  if (text.length <= width) return [text];
  // What stands in quotes is one word to a shell.
  const words = [...text.matchAll(tail ? /(?:'[^']*'|"[^"]*"|\\.|\S)+/g : /\S+/g)];
  const ends = words.map((word) => word.index + word[0].length);
  const at = ends.findLast((end) => end <= width - tail.length) ?? 0;
  if (at <= 10) return [text];
  return [text.slice(0, at) + tail, ...folded(`          ${text.slice(at + 1)}`, width, tail)];
}
