import type { PageProps } from '../pages.js';
import { act, Do, me, Sure } from '../parts/acting.js';
import { to } from '../parts/address.js';
import type { JobAnswer } from '../parts/answers.js';
import { CarriedJson, PayloadEditor } from '../parts/carried.js';
import { enqueueCall, enqueueCommand, isExact, leftOut } from '../parts/copied.js';
import { Copy } from '../parts/copy.js';
import { useLook } from '../parts/live.js';
import { Settings } from '../parts/settings.js';
import {
  At,
  Fact,
  Progress,
  QueueLink,
  Reasons,
  Shown,
  State,
  Text,
  When,
} from '../parts/small.js';
import { Timeline } from '../parts/timeline.js';
import { span } from '../parts/words.js';

/** What runs once more only if somebody wants it: with the payload that it should have had. */
const DEAD = /^(failed|unprocessable|critical|poisoned|expired)$/;
const ENDED = /^(succeeded|failed|unprocessable|critical|poisoned|cancelled|expired)$/;

/** One job: why it is where it is, what it carries, what went wrong, and what was tried. */
export function Job({ said: { id = '' } }: PageProps) {
  const looked = useLook<JobAnswer>('job', { id });
  return (
    <>
      <h1>
        Job <span class="id">{id}</span>
      </h1>
      <Shown looked={looked}>{(answer) => <Found answer={answer} />}</Shown>
    </>
  );
}

function Found({ answer }: { answer: JobAnswer }) {
  const { job, reasons } = answer;
  return (
    <>
      <p>
        <State state={job.state} /> in <QueueLink queue={job.queue} />
        {job.name && (
          <>
            , <Text>{job.name}</Text>
          </>
        )}
      </p>
      <Reasons reasons={reasons} />
      <Buttons answer={answer} />
      <Facts job={job} />
      <Failure job={job} />
      <Timeline job={job} />
      <Settings settings={answer.settings} />
      <h2>Payload</h2>
      <CarriedJson carried={job.payload} name="payload" />
      {job.bytes && <Bytes bytes={job.bytes} />}
      {(DEAD.test(job.state) || !ENDED.test(job.state)) &&
        job.state !== 'running' &&
        !job.redacted &&
        !job.payload?.cutFrom && <PayloadEditor id={job.id} payload={job.payload} />}
      {job.output && (
        <>
          <h2>Output</h2>
          <CarriedJson carried={job.output} name="output" />
        </>
      )}
      {job.checkpoint && (
        <>
          <h2>Checkpoint</h2>
          <CarriedJson carried={job.checkpoint} name="checkpoint" />
        </>
      )}
    </>
  );
}

function Buttons({ answer }: { answer: JobAnswer }) {
  const { job, step } = answer;
  const { id, state } = job;
  const ids = { ids: [id] };
  const seen = { ...ids, seen: { [id]: job.finishedAt ?? '' } };
  const isEnded = ENDED.test(state);
  return (
    <div class="buttons">
      {step && <RetryFlow step={step} failed={DEAD.test(state) || state === 'cancelled'} />}
      {((isEnded && !step) || state === 'lost') && (
        <Do may="retry" work={() => act('retry', seen, first('The job runs again.'))}>
          Run again
        </Do>
      )}
      {state === 'scheduled' && (
        <Do may="retry" work={() => act('retry', seen, first('The job runs now.'))}>
          Run now
        </Do>
      )}
      {!isEnded && (
        <Sure
          may="cancel"
          label="Cancel"
          title="Cancel this job?"
          text={
            state === 'running'
              ? 'Its handler is asked to stop.'
              : 'It ends at once, and does not run.'
          }
          work={() => act('cancel', ids, first('The job is cancelled, or was asked to stop.'))}
        />
      )}
      {!job.redacted && !job.bytes && !job.payload?.cutFrom && job.payload && (
        <>
          {isExact(job.payload.text) && (
            <Copy label="Copy as enqueue()" text={enqueueCall(answer)} told={leftOut(job)} />
          )}
          <Copy label="Copy as command" text={enqueueCommand(answer)} told={leftOut(job)} />
        </>
      )}
    </div>
  );
}

/** A step joins its workflow again with all that follows from it, once that has ended. */
function RetryFlow({ step, failed }: { step: NonNullable<JobAnswer['step']>; failed: boolean }) {
  const { workflow, attempt, state } = step;
  const isOver = !['running', 'compensating', 'succeeded'].includes(state);
  if (!failed) return null;
  if (!isOver)
    return <span class="quiet">Its workflow is {state}: it runs again with that one.</span>;
  const said = { id: workflow, seen: attempt };
  return (
    <Do may="retry" work={() => act('retry-workflow', said, 'What failed of it runs again.')}>
      Retry its workflow
    </Do>
  );
}

/** What is refused of the one job is what went wrong. */
const first =
  (done: string) =>
  ({ refused }: { refused: { message: string }[] }): string =>
    refused[0]?.message ?? done;

function Facts({ job }: { job: JobAnswer['job'] }) {
  const headers = Object.entries(job.headers ?? {});
  return (
    <dl class="facts">
      <Fact name="attempts">
        {job.attempt}
        {job.maxAttempts !== undefined && ` of ${job.maxAttempts}`}
      </Fact>
      <Fact name="created">
        <At at={job.createdAt} /> (<When at={job.createdAt} />)
      </Fact>
      <Fact name={job.finishedAt ? 'was due' : 'due'}>
        <At at={job.runAt} />
      </Fact>
      <Fact name="ended">{job.finishedAt && <At at={job.finishedAt} />}</Fact>
      <Fact name="last run">{job.runMs !== undefined && span(job.runMs)}</Fact>
      <Fact name="progress">
        {job.progress && (
          <>
            <Progress of={job.progress} /> (<When at={job.progress.at} />)
          </>
        )}
      </Fact>
      <Fact name="worker">{job.worker && <Text>{job.worker}</Text>}</Fact>
      <Fact name="priority">{job.priority !== 0 && job.priority}</Fact>
      <Fact name="crashes of its process">{job.stalls > 0 && job.stalls}</Fact>
      <Fact name="reschedules">{job.reschedules > 0 && job.reschedules}</Fact>
      <Fact name="cancel asked">
        {job.cancelRequestedAt && <When at={job.cancelRequestedAt} />}
      </Fact>
      <Fact name="unique key">
        {job.uniqueKey && (
          <a href={to('jobs', { uniqueKey: job.uniqueKey })}>
            <Text>{job.uniqueKey}</Text>
          </a>
        )}
      </Fact>
      <Fact name="fingerprint">
        {job.fingerprint && (
          <a href={to('jobs', { fingerprint: job.fingerprint })}>
            <Text>{job.fingerprint}</Text>
          </a>
        )}
      </Fact>
      <Fact name="group">{job.group && <Text>{job.group}</Text>}</Fact>
      <Fact name="limit key">{job.limitKey && <Text>{job.limitKey}</Text>}</Fact>
      <Fact name="workflow">
        {job.workflowId && (
          <a href={to('workflow', { id: job.workflowId })}>
            <Text>{job.workflowId}</Text>
          </a>
        )}
      </Fact>
      <Fact name="labels">{(job.labels ?? []).join(', ')}</Fact>
      <Fact name="schedule">
        {job.schedule && (
          <>
            <a href={to('schedule', { name: job.schedule.name })}>
              <Text>{job.schedule.name}</Text>
            </a>{' '}
            for <At at={job.schedule.at} />
          </>
        )}
      </Fact>
      <Trace headers={job.headers ?? {}} />
      {headers.map(([name, value]) => (
        <Fact key={name} name={`header ${name}`}>
          <Text>{String(value)}</Text>
        </Fact>
      ))}
    </dl>
  );
}

function Trace({ headers }: { headers: Record<string, string> }) {
  const [, trace] = /^00-([0-9a-f]{32})-/.exec(headers.traceparent ?? '') ?? [];
  if (!me.traceUrl || !trace) return null;
  return (
    <Fact name="trace">
      <a href={me.traceUrl.replace('{traceId}', trace)} rel="noreferrer">
        {trace}
      </a>
    </Fact>
  );
}

function Failure({ job: { lastError } }: { job: JobAnswer['job'] }) {
  if (!lastError) return null;
  const { name, message, code, stack, causes = [] } = lastError;
  return (
    <>
      <h2>Last error</h2>
      <p class="bad error-text">
        <Text>{`${name}${code ? ` (${code})` : ''}: ${message}`}</Text>
      </p>
      {causes.map((cause, index) => (
        <p key={index} class="error-text">
          caused by{' '}
          <Text>{`${cause.name}${cause.code ? ` (${cause.code})` : ''}: ${cause.message}`}</Text>
        </p>
      ))}
      {stack && (
        <details>
          <summary>Stack</summary>
          <pre tabIndex={0}>
            <Text>{stack}</Text>
          </pre>
        </details>
      )}
    </>
  );
}

function Bytes({ bytes: { size, hex } }: { bytes: { size: number; hex: string } }) {
  return (
    <details>
      <summary>{size.toLocaleString('en-US')} bytes</summary>
      <pre tabIndex={0}>{hex.replace(/(.{2})/g, '$1 ').replace(/(.{48})/g, '$1\n')}</pre>
      {hex.length / 2 < size && <p class="quiet">The first {hex.length / 2} of them.</p>}
    </details>
  );
}
