import type { ComponentChildren } from 'preact';
import type { JobCount } from '../../lib/admin/overview.js';
import type { JobProgress } from '../../lib/job/progress.js';
import type { Told } from './answers.js';
import type { Looked } from './live.js';
import { useNow } from './live.js';
import { to } from './address.js';
import { ago, count, local, number, visible, ZONE } from './words.js';

/** How long ago, and on hover exactly when, in the viewer's zone and in UTC. */
export function When({ at }: { at?: string | number | undefined }) {
  const now = useNow();
  if (at === undefined) return null;
  const iso = new Date(at).toISOString();
  return (
    <time dateTime={iso} title={`${local(at)} (${ZONE})\n${iso}`}>
      {ago(at, now)}
    </time>
  );
}

/** The time itself. */
export function At({ at }: { at: string }) {
  return (
    <time dateTime={at} title={at}>
      {local(at)}
    </time>
  );
}

const SIGNS: Record<string, string> = {
  ready: '○',
  scheduled: '…',
  running: '▶',
  blocked: '‖',
  staged: '○',
  suspect: '?',
  succeeded: '✓',
  failed: '✕',
  critical: '✕',
  unprocessable: '✕',
  poisoned: '✕',
  cancelled: '–',
  expired: '–',
  skipped: '–',
  unused: '–',
  waiting: '…',
  compensating: '↩',
  compensated: '↩',
  stuck: '!',
  lost: '!',
};

/** A state by its sign and its name: colour is never alone. */
export function State({ state }: { state: string }) {
  return (
    <span class={`state ${state}`}>
      <span aria-hidden="true">{SIGNS[state] ?? '•'}</span> {state}
    </span>
  );
}

/** A number of jobs that leads to them. */
export function Count({ of, href, bad }: { of: JobCount; href?: string; bad?: boolean }) {
  if (of.jobs === 0) return <span class="none">0</span>;
  const text = <span class={bad ? 'bad' : ''}>{count(of)}</span>;
  return href ? <a href={href}>{text}</a> : text;
}

/** Texts of others: their direction stays theirs, and what cannot be seen is spelled out. */
export function Text({ children, class: name }: { children: string; class?: string }) {
  return <bdi class={name}>{visible(children)}</bdi>;
}

const ID = /([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/;

/** The same where ids of jobs lead to them, or those of workflows. */
export function Linked({ children, ids = 'job' }: { children: string; ids?: 'job' | 'workflow' }) {
  const parts = children.split(ID);
  return (
    <bdi>
      {parts.map((part, index) => {
        if (index % 2 === 0) return visible(part);
        const page = / workflow $/.test(parts[index - 1]!) ? 'workflow' : ids;
        return (
          <a key={index} class="id" href={to(page, { id: part })}>
            {part}
          </a>
        );
      })}
    </bdi>
  );
}

/** Why a job is where it is. */
export function Reasons({ reasons }: { reasons: { code: string; text: string }[] }) {
  return (
    <ul class="reasons">
      {reasons.map(({ code, text }) => (
        <li key={code + text}>
          <Linked>{text}</Linked>
        </li>
      ))}
    </ul>
  );
}

export function QueueLink({ queue }: { queue: string }) {
  return (
    <a href={to('queue', { queue })}>
      <Text>{queue}</Text>
    </a>
  );
}

export function JobLink({ id }: { id: string }) {
  return (
    <a class="id" href={to('job', { id })}>
      {id}
    </a>
  );
}

/** How far a job has come, as a bar and in words. */
export function Progress({ of: { done, of, note } }: { of: Told<JobProgress> }) {
  return (
    <>
      {of !== undefined && <progress max={of} value={done} aria-label="Progress" />} {number(done)}
      {of !== undefined && ` of ${number(of)}`} {note && <Text>{note}</Text>}
    </>
  );
}

/** What a page shows: nothing yet, why there is nothing, or the answer, with how old it is where the last try failed. */
export function Shown<Answer>({
  looked: { answer, error, at },
  children,
}: {
  looked: Looked<Answer>;
  children: (answer: Answer) => ComponentChildren;
}) {
  if (!answer && !error) return <p class="quiet">Looking…</p>;
  return (
    <>
      {error && (
        <p class="notice bad-notice" role="alert">
          {error.message}
          {answer && at !== undefined && (
            <>
              {' '}
              What follows is from <When at={at} />.
            </>
          )}
        </p>
      )}
      {answer && children(answer)}
    </>
  );
}

/** A value with its name. */
export function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  if (children === undefined || children === null || children === '' || children === false)
    return null;
  return (
    <div class="fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** A wide table scrolls by itself, and by keys. */
export function Table({
  label,
  heads,
  children,
}: {
  label: string;
  heads: (string | { head: string; right?: boolean })[];
  children: ComponentChildren;
}) {
  return (
    <div class="scroll" role="region" aria-label={label} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {heads.map((each) => {
              const { head, right = false } = typeof each === 'string' ? { head: each } : each;
              return (
                <th key={head} scope="col" class={right ? 'right' : ''}>
                  {head}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
