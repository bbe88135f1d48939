import { useState } from 'preact/hooks';
import type { PageProps } from '../pages.js';
import { act, Do, Sure } from '../parts/acting.js';
import { Edges } from '../parts/edges.js';
import type { FlowAnswer, Step } from '../parts/answers.js';
import { useLook } from '../parts/live.js';
import { At, Fact, JobLink, Shown, State, Text } from '../parts/small.js';
import { many, number } from '../parts/words.js';

/** Of a step's jobs. */
const MOST_JOBS = 3;
/** Layers side by side. */
const MOST_LAYERS = 20;
/** Of a layer at first, and by each click. */
const [MOST_STEPS, MORE_STEPS] = [20, 200];
/** Of the steps that a step waits for. */
const MOST_NAMES = 5;
const GOES_ON = ['running', 'compensating'];

/** One workflow: its steps in layers, each behind all that it waits for. */
export function Workflow({ said: { id = '' } }: PageProps) {
  const looked = useLook<FlowAnswer>('workflow', { id });
  return (
    <>
      <h1>
        Workflow <span class="id">{id}</span>
      </h1>
      <Shown looked={looked}>{(flow) => <Found flow={flow} />}</Shown>
    </>
  );
}

function Found({ flow }: { flow: FlowAnswer }) {
  const { name, state, stop, attempt, createdAt, deadlineAt, endedAt, uniqueKey } = flow;
  return (
    <>
      <dl class="facts">
        <Fact name="name">
          <Text>{name}</Text>
        </Fact>
        <Fact name="state">
          <State state={state} /> {stop && stop !== state && `(${stop})`}
        </Fact>
        <Fact name="attempt">{attempt > 1 && attempt}</Fact>
        <Fact name="unique key">{uniqueKey && <Text>{uniqueKey}</Text>}</Fact>
        <Fact name="started">
          <At at={createdAt} />
        </Fact>
        <Fact name="deadline">{deadlineAt && <At at={deadlineAt} />}</Fact>
        <Fact name="ended">{endedAt && <At at={endedAt} />}</Fact>
      </dl>
      <Buttons flow={flow} />
      <Layers steps={flow.steps} />
    </>
  );
}

/** A window on a long chain, which begins where something needs a look. */
function Layers({ steps }: { steps: Step[] }) {
  const layers = layersOf(steps);
  const first = layers.findIndex((layer) => layer.some((step) => needOf(step) < NEEDS.length));
  const due = Math.max(0, Math.min(first - 1, layers.length - MOST_LAYERS));
  const [from, setFrom] = useState(due);
  const shown = layers.slice(from, from + MOST_LAYERS);
  return (
    <>
      <h2>Steps</h2>
      {layers.length > MOST_LAYERS && (
        <p class="buttons">
          <button
            type="button"
            disabled={from === 0}
            onClick={() => setFrom(Math.max(0, from - MOST_LAYERS))}
          >
            Before
          </button>
          <button
            type="button"
            disabled={from + MOST_LAYERS >= layers.length}
            onClick={() => setFrom(from + MOST_LAYERS)}
          >
            Behind
          </button>
          <button type="button" disabled={first < 0 || from === due} onClick={() => setFrom(due)}>
            Where it is
          </button>
          <span class="quiet">
            Layers {number(from + 1)} to {number(from + shown.length)} of {number(layers.length)}
          </span>
        </p>
      )}
      <div class="layers" role="region" aria-label="Steps" tabIndex={0}>
        <Edges steps={shown.flat()} />
        {shown.map((layer, index) => (
          <Layer key={from + index} steps={layer} name={`Layer ${from + index + 1}`} />
        ))}
      </div>
    </>
  );
}

/** What needs a look comes first; the rest of many is folded. */
function Layer({ steps, name }: { steps: Step[]; name: string }) {
  const [most, setMost] = useState(MOST_STEPS);
  const shown = steps.toSorted((a, b) => needOf(a) - needOf(b)).slice(0, most);
  const rest = steps.length - shown.length;
  return (
    <div class="layer">
      <ol aria-label={name}>
        {shown.map((step) => (
          <Card key={step.name} step={step} />
        ))}
      </ol>
      {rest > 0 && (
        <p>
          {countsOf(steps)}.{' '}
          <button type="button" class="link" onClick={() => setMost(most + MORE_STEPS)}>
            Show {number(Math.min(rest, MORE_STEPS))} more of {number(rest)}
          </button>
        </p>
      )}
    </div>
  );
}

const NEEDS: Step['state'][] = ['failed', 'running', 'cancelled', 'waiting', 'skipped'];

function needOf({ state, compensation }: Step): number {
  if (compensation?.state === 'failed') return -1;
  const at = NEEDS.indexOf(state);
  return at < 0 ? NEEDS.length : at;
}

/** `10,000 steps: 12 failed, 9,988 succeeded`. */
function countsOf(steps: Step[]): string {
  const counts = new Map<string, number>();
  for (const { state } of steps) counts.set(state, (counts.get(state) ?? 0) + 1);
  const parts = [...counts].map(([state, count]) => `${number(count)} ${state}`);
  return `${many(steps.length, 'step')}: ${parts.join(', ')}`;
}

/** `a, b and 9,998 more`. */
function namesOf(after: Step['after']): string {
  const names = after
    .slice(0, MOST_NAMES)
    .map(({ name, when }) => (when === 'succeeded' ? name : `${name} (${when})`));
  return (
    names.join(', ') +
    (after.length > MOST_NAMES ? ` and ${number(after.length - MOST_NAMES)} more` : '')
  );
}

const cancelTold = ({ cancelled }: { cancelled: boolean }): string =>
  cancelled ? 'The workflow is being cancelled.' : 'It had ended.';

function Buttons({ flow: { id, state, attempt } }: { flow: FlowAnswer }) {
  return (
    <div class="buttons">
      {GOES_ON.includes(state) ? (
        <Sure
          may="cancel"
          label="Cancel"
          title="Cancel this workflow?"
          text="Nothing more of it begins, and what runs is asked to stop. What has completed is compensated where a step says how."
          work={() => act('cancel-workflow', { id }, cancelTold)}
        />
      ) : (
        state !== 'succeeded' && (
          <Do
            may="retry"
            work={() =>
              act('retry-workflow', { id, seen: attempt }, 'What failed of it runs again.')
            }
          >
            Retry what failed
          </Do>
        )
      )}
    </div>
  );
}

/** A step is one layer behind the last of those that it waits for. Steps come in an order in which that one is known. */
function layersOf(steps: Step[]): Step[][] {
  const depth = new Map<string, number>();
  const layers: Step[][] = [];
  for (const step of steps) {
    const at = Math.max(0, ...step.after.map(({ name }) => (depth.get(name) ?? 0) + 1));
    depth.set(step.name, at);
    (layers[at] ??= []).push(step);
  }
  return layers.filter(Boolean);
}

/** Before that its jobs are ids and nothing else. */
const hasBegun = ({ state }: { state: string }): boolean =>
  !['waiting', 'skipped', 'unused'].includes(state);

function Card({ step }: { step: Step }) {
  const {
    name,
    state,
    many: isMany,
    jobs,
    done,
    failed,
    cancelled,
    after,
    ids,
    error,
    compensation,
  } = step;
  return (
    <li class="card" data-step={name}>
      <strong>
        <Text>{name}</Text>
        {isMany && ` × ${number(jobs)}`}
      </strong>{' '}
      <State state={state} />
      {isMany && jobs > 0 && (
        <div>
          <progress max={jobs} value={done} aria-label="Done" /> {number(done)} done
          {failed > cancelled && <span class="bad">, {number(failed - cancelled)} failed</span>}
          {cancelled > 0 && `, ${number(cancelled)} cancelled`}
        </div>
      )}
      {after.length > 0 && (
        <div class="quiet">
          after <Text>{namesOf(after)}</Text>
        </div>
      )}
      {error && (
        <div class="bad error-text">
          <Text>{`${error.name}: ${error.message}`}</Text>
        </div>
      )}
      {hasBegun(step) && <Jobs ids={ids} all={jobs} />}
      {compensation && (
        <div class={compensation.state === 'unused' ? 'undo quiet' : 'undo'}>
          compensation <State state={compensation.state} />
          {compensation.error && (
            <div class="bad error-text">
              <Text>{`${compensation.error.name}: ${compensation.error.message}`}</Text>
            </div>
          )}
          {hasBegun(compensation) && <Jobs ids={compensation.ids} all={compensation.jobs} />}
        </div>
      )}
    </li>
  );
}

function Jobs({ ids, all }: { ids: string[]; all: number }) {
  const some = ids.slice(0, MOST_JOBS);
  return (
    <>
      {some.map((id) => (
        <div key={id}>
          <JobLink id={id} />
        </div>
      ))}
      {all > some.length && some.length > 0 && (
        <div class="quiet">and {many(all - some.length, 'job')} more</div>
      )}
    </>
  );
}
