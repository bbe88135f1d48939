import type { PageProps } from '../pages.js';
import { act, Do, Sure } from '../parts/acting.js';
import type { FlowAnswer, Step } from '../parts/answers.js';
import { useLook } from '../parts/live.js';
import { At, Fact, JobLink, Shown, State, Text } from '../parts/small.js';
import { many, number } from '../parts/words.js';

/** Of a step's jobs. */
const MOST_JOBS = 3;
const GOES_ON = ['running', 'compensating', 'stuck'];

/** One workflow: its steps in layers, each behind all that it waits for. */
export function Workflow({ said: { id = '' } }: PageProps) {
  const looked = useLook<FlowAnswer>('workflow', { id });
  return (
    <>
      <h1>Workflow</h1>
      <Shown looked={looked}>{(flow) => <Found flow={flow} />}</Shown>
    </>
  );
}

function Found({ flow }: { flow: FlowAnswer }) {
  const { name, id, state, stop, attempt, createdAt, deadlineAt, endedAt, uniqueKey } = flow;
  return (
    <>
      <dl class="facts">
        <Fact name="name">
          <Text>{name}</Text>
        </Fact>
        <Fact name="id">{id}</Fact>
        <Fact name="state">
          <State state={state} /> {stop && `(${stop})`}
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
      <h2>Steps</h2>
      <div class="layers" role="region" aria-label="Steps" tabIndex={0}>
        {layersOf(flow.steps).map((steps, index) => (
          <ol key={index} aria-label={`Layer ${index + 1}`}>
            {steps.map((step) => (
              <Card key={step.name} step={step} />
            ))}
          </ol>
        ))}
      </div>
    </>
  );
}

function Buttons({ flow: { id, state } }: { flow: FlowAnswer }) {
  return (
    <div class="buttons">
      {GOES_ON.includes(state) ? (
        <Sure
          may="cancel"
          label="Cancel"
          title="Cancel this workflow?"
          text="Nothing more of it begins, and what runs is asked to stop. What has completed is compensated where a step says how."
          work={() => act('cancel-workflow', { id }, 'The workflow is being cancelled.')}
        />
      ) : (
        state !== 'succeeded' && (
          <Do
            may="retry"
            work={() => act('retry-workflow', { id }, 'What failed of it runs again.')}
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

function Card({ step }: { step: Step }) {
  const { name, state, many: isMany, jobs, done, failed, after, ids, error, compensation } = step;
  return (
    <li class="card">
      <strong>
        <Text>{name}</Text>
        {isMany && ` × ${number(jobs)}`}
      </strong>{' '}
      <State state={state} />
      {isMany && jobs > 0 && (
        <div>
          <progress max={jobs} value={done} aria-label="Done" /> {number(done)} done
          {failed > 0 && <span class="bad">, {number(failed)} failed</span>}
        </div>
      )}
      {after.length > 0 && (
        <div class="quiet">
          after <Text>{after.map((each) => each.name).join(', ')}</Text>
        </div>
      )}
      {error && (
        <div class="bad error-text">
          <Text>{`${error.name}: ${error.message}`}</Text>
        </div>
      )}
      {state !== 'waiting' && state !== 'skipped' && <Jobs ids={ids} all={jobs} />}
      {compensation && (
        <div class="undo">
          compensation <State state={compensation.state} />
          {compensation.error && (
            <div class="bad error-text">
              <Text>{`${compensation.error.name}: ${compensation.error.message}`}</Text>
            </div>
          )}
          <Jobs ids={compensation.ids} all={compensation.jobs} />
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
