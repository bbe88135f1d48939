import { Fragment } from 'preact';
import { useEffect } from 'preact/hooks';
import { PAGES } from '../pages.js';
import { Dialog } from './acting.js';
import { go } from './address.js';

/** How long `g` waits for the letter behind it. */
const PATIENCE_MS = 1_500;

const isTyping = ({ target }: KeyboardEvent): boolean =>
  target instanceof HTMLElement && /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);

export function useKeys(onHelp: () => void): void {
  useEffect(() => {
    let wentAt = -Infinity;
    const pressed = (event: KeyboardEvent): void => {
      if (isTyping(event) || event.ctrlKey || event.metaKey || event.altKey) return;
      if (document.querySelector('dialog[open]')) return;
      const isSecond = performance.now() - wentAt < PATIENCE_MS;
      wentAt = -Infinity;
      if (isSecond) return goBy(event.key);
      if (event.key === 'g') wentAt = performance.now();
      else if (event.key === '?') onHelp();
      else if (event.key === '/') {
        event.preventDefault();
        document.getElementById('search')?.focus();
      } else if (event.key === 'j' || event.key === 'k') move(event.key === 'j' ? 1 : -1);
      else if (event.key === 'x') select();
    };
    document.addEventListener('keydown', pressed);
    return () => document.removeEventListener('keydown', pressed);
  }, []);
}

function goBy(key: string): void {
  const found = Object.entries(PAGES).find(([, page]) => page.key === key);
  if (found) go(found[0]);
}

const rows = (): HTMLElement[] => [...document.querySelectorAll<HTMLElement>('[data-row]')];

/** From one row of a list to the next. */
function move(by: number): void {
  const all = rows();
  const now = all.findIndex((row) => row.contains(document.activeElement));
  const next = all[Math.min(all.length - 1, Math.max(0, now + by))];
  next?.querySelector<HTMLElement>('a')?.focus();
}

function select(): void {
  const row = rows().find((each) => each.contains(document.activeElement));
  row?.querySelector<HTMLInputElement>('input[type=checkbox]')?.click();
}

export function Help({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keys" onClose={onClose}>
      <dl class="keys">
        <dt>/</dt>
        <dd>search</dd>
        {Object.entries(PAGES)
          .filter(([, { key }]) => key)
          .map(([name, { key, title }]) => (
            <Fragment key={name}>
              <dt>g {key}</dt>
              <dd>{title}</dd>
            </Fragment>
          ))}
        <dt>j, k</dt>
        <dd>next and previous row</dd>
        <dt>x</dt>
        <dd>select the row</dd>
      </dl>
      <div class="buttons">
        <button type="button" onClick={onClose}>
          Close
        </button>
      </div>
    </Dialog>
  );
}
