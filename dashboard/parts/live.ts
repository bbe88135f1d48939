import { useEffect, useState } from 'preact/hooks';
import { ask, instance, Refused, ROOT, stream, type Said } from './server.js';

/** Without the stream, and for what no version covers. */
const POLL_MS = 5_000;
const SLOW_MS = 15_000;

type Listener = () => void;
const listeners = new Set<Listener>();
let source: EventSource | undefined;
let isLive = false;
let timer: number | undefined;

const everybody = (): void => {
  if (!document.hidden) for (const listener of listeners) listener();
};

/** HTTP/1.1 gives all windows of an origin six connections: so many may be held, and their windows tell the others. */
const STREAMS = 2;
let giveBack: Listener | undefined;
const windows = new BroadcastChannel(`simple-queue ${ROOT.pathname}`);
windows.addEventListener('message', ({ data }) => hear(data as boolean));

/** While nobody sees the page, nothing is asked, and the server need not look. */
export function openLive(): void {
  close();
  if (document.hidden) return;
  let rounds = 0;
  timer = window.setInterval(() => {
    rounds++;
    if (!isLive || rounds % (SLOW_MS / POLL_MS) === 0) everybody();
    if (source?.readyState !== EventSource.OPEN && rounds % 6 === 0) openLive();
  }, POLL_MS);
  takeStream();
}

function close(): void {
  source?.close();
  giveBack?.();
  if (source) windows.postMessage(false);
  source = giveBack = timer = void window.clearInterval(timer);
  isLive = false;
}

/** A browser shares locks where the page is safe: from `https:` or the own machine. Elsewhere the page asks. */
function takeStream(n = 0): void {
  if (n === STREAMS) return;
  const held = (lock: Lock | null): Promise<void> | undefined => {
    if (!lock) return void takeStream(n + 1);
    if (source || document.hidden) return;
    listen();
    return new Promise((resolve) => (giveBack = resolve));
  };
  const locks = navigator.locks as LockManager | undefined;
  void locks?.request(`simple-queue ${n}`, { ifAvailable: true }, held);
}

function listen(): void {
  source = stream();
  source.addEventListener('version', () => tellWindows(true));
  source.addEventListener('error', () => tellWindows(false));
}

function tellWindows(isChange: boolean): void {
  windows.postMessage(isChange);
  hear(isChange);
}

function hear(isChange: boolean): void {
  isLive = isChange;
  if (isChange) everybody();
  else if (!source) takeStream();
}

document.addEventListener('visibilitychange', () => {
  openLive();
  everybody();
});
window.addEventListener('pagehide', close);

/** To be called when something was done here. */
export const refresh = everybody;

export interface Looked<Answer> {
  answer?: Answer;
  /** Of the last try; the answer is from before it then. */
  error?: Refused;
  /** When the answer came. */
  at?: number;
}

/** What the server says to a question, kept up to date. */
export function useLook<Answer>(look: string, said: Said = {}): Looked<Answer> {
  const key = JSON.stringify([look, said, instance.name]);
  const [looked, setLooked] = useState<Looked<Answer> & { key?: string }>({});
  useEffect(() => {
    let isOver = false;
    let isAsking = false;
    let isStale = false;
    const round = async (): Promise<void> => {
      // What is on its way may have been read before what was done just now.
      if (isAsking) return void (isStale = true);
      isAsking = true;
      try {
        const answer = await ask<Answer>(look, said);
        if (!isOver) setLooked({ answer, at: Date.now(), key });
      } catch (error) {
        if (!isOver) setLooked((before) => failedAfter(before, key, error));
      } finally {
        isAsking = false;
        if (isStale && !isOver) listener();
      }
    };
    const listener = (): void => {
      isStale = false;
      void round();
    };
    listeners.add(listener);
    listener();
    return () => {
      isOver = true;
      listeners.delete(listener);
    };
  }, [key]);
  return looked.key === key ? looked : {};
}

function failedAfter<Answer>(
  before: Looked<Answer> & { key?: string },
  key: string,
  error: unknown,
): Looked<Answer> & { key: string } {
  const refused = error instanceof Refused ? error : new Refused(0, 'FAILED', String(error));
  const isGone = refused.status >= 400 && refused.status < 500;
  return before.key === key && !isGone
    ? { ...before, key, error: refused }
    : { key, error: refused };
}

/** The time now, again and again, for what says how long ago something was. */
export function useNow(everyMs = 5_000): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const ticking = window.setInterval(() => setNow(Date.now()), everyMs);
    return () => window.clearInterval(ticking);
  }, [everyMs]);
  return now;
}
