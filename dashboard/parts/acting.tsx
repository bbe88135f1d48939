import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Me, Permission } from './answers.js';
import { refresh } from './live.js';
import { tell } from './server.js';

/** Who looks on, and what they may do. Set before anything is shown. */
export const me: Me = { may: [], instances: [] };

export const may = (permission: Permission): boolean => me.may.includes(permission);

const NEWS_MS = 8_000;

type Listener = (news: string, isBad: boolean) => void;
let listener: Listener = () => undefined;

/** Says what came of something, for eyes and screen readers. */
export const say = (news: string, isBad = false): void => listener(news, isBad);

export function News() {
  const [news, setNews] = useState<{ text: string; isBad: boolean }>();
  useEffect(() => {
    let timer: number | undefined;
    listener = (text, isBad) => {
      setNews({ text, isBad });
      window.clearTimeout(timer);
      // What went wrong stays until somebody has read it.
      if (!isBad) timer = window.setTimeout(() => setNews(undefined), NEWS_MS);
    };
  }, []);
  return (
    <div class="news" role="status">
      {news && (
        <p class={news.isBad ? 'bad-notice' : ''}>
          {news.text}{' '}
          <button type="button" class="link" onClick={() => setNews(undefined)}>
            Close
          </button>
        </p>
      )}
    </div>
  );
}

/** Does it, says what came of it, and looks again. True: it was done. */
export async function act(
  action: string,
  body: object,
  done: string | ((answer: never) => string),
): Promise<boolean> {
  try {
    const answer = await tell<never>(action, body);
    say(typeof done === 'string' ? done : done(answer));
    return true;
  } catch (error) {
    say((error as Error).message, true);
    return false;
  } finally {
    refresh();
  }
}

/** A button that is there only for those who may, and works once at a time. */
export function Do({
  may: permission,
  work,
  danger = false,
  children,
}: {
  may: Permission;
  work: () => unknown;
  danger?: boolean;
  children: ComponentChildren;
}) {
  const [busy, setBusy] = useState(false);
  if (!may(permission)) return null;
  const run = async (): Promise<void> => {
    setBusy(true);
    try {
      await work();
    } finally {
      setBusy(false);
    }
  };
  return (
    <button type="button" class={danger ? 'danger' : ''} disabled={busy} onClick={() => void run()}>
      {children}
    </button>
  );
}

/** A window over the page; the browser keeps the focus in it, and Escape closes it. */
export function Dialog({
  title,
  onClose,
  children,
}: {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby="dialog-title" onClose={onClose}>
      <h2 id="dialog-title">{title}</h2>
      {children}
    </dialog>
  );
}

/** Asks before something is done that cannot be undone. */
export function Sure({
  may: permission,
  label,
  title,
  text,
  work,
}: {
  may: Permission;
  label: string;
  title: string;
  text: ComponentChildren;
  work: () => unknown;
}) {
  const [open, setOpen] = useState(false);
  if (!may(permission)) return null;
  return (
    <>
      <button type="button" class="danger" onClick={() => setOpen(true)}>
        {label}
      </button>
      {open && (
        <Dialog title={title} onClose={() => setOpen(false)}>
          <p>{text}</p>
          <div class="buttons">
            <button type="button" onClick={() => setOpen(false)}>
              No
            </button>
            <Do
              may={permission}
              danger
              work={async () => {
                await work();
                setOpen(false);
              }}
            >
              {label}
            </Do>
          </div>
        </Dialog>
      )}
    </>
  );
}
