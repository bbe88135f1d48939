import { useEffect, useState } from 'preact/hooks';
import { me, News } from './parts/acting.js';
import { go, to, usePlace } from './parts/address.js';
import { Help, useKeys } from './parts/keys.js';
import { instance } from './parts/server.js';
import { ThemeSwitch } from './parts/theme.js';
import { PAGES } from './pages.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The frame: where one is, where one can go, and the page itself. */
export function App() {
  const { page, said } = usePlace();
  const [help, setHelp] = useState(false);
  useKeys(() => setHelp(true));
  const found = Object.hasOwn(PAGES, page) ? PAGES[page]! : PAGES.overview!;
  useEffect(() => {
    document.title = `${said.queue ?? said.id ?? said.name ?? found.title} · Queues`;
  });
  const Page = found.page;
  return (
    <>
      <a class="skip" href="#main" onClick={skip}>
        To the page
      </a>
      <header>
        <nav aria-label="Pages">
          {Object.entries(PAGES)
            .filter(([, { key }]) => key)
            .map(([name, { title, key }]) => (
              <a
                key={name}
                href={to(name)}
                aria-current={found.under === name || found === PAGES[name] ? 'page' : undefined}
                title={`g ${key}`}
              >
                {title}
              </a>
            ))}
        </nav>
        <div class="tools">
          <Instances />
          <Search />
          <ThemeSwitch />
          <button type="button" title="Keys (?)" aria-label="Keys" onClick={() => setHelp(true)}>
            ?
          </button>
        </div>
      </header>
      <News />
      <main id="main" tabIndex={-1}>
        <Page key={page} said={said} />
      </main>
      {help && <Help onClose={() => setHelp(false)} />}
    </>
  );
}

/** The address is the page's own: a jump in it would leave it. */
function skip(event: Event): void {
  event.preventDefault();
  document.getElementById('main')?.focus();
}

/** From anywhere: an id leads to its job, a name alone to its queue, anything else is a search. */
function Search() {
  const search = (event: SubmitEvent): void => {
    event.preventDefault();
    const field = (event.currentTarget as HTMLFormElement).elements.namedItem(
      'q',
    ) as HTMLInputElement;
    const text = field.value.trim();
    if (UUID.test(text)) go('job', { id: text.toLowerCase() });
    else if (/^[\w./-]+$/.test(text)) go('queue', { queue: text });
    else if (text) go('jobs', { q: text });
    field.value = '';
    field.blur();
  };
  return (
    <form role="search" onSubmit={search}>
      <input
        id="search"
        name="q"
        type="search"
        aria-label="Job id, name of a queue, or queue:mail state:dead"
        placeholder="id, queue, or queue:mail state:dead"
        autoComplete="off"
        spellcheck={false}
      />
    </form>
  );
}

function Instances() {
  if (me.instances.length < 2) return null;
  const choose = (event: Event): void =>
    go('overview', { of: (event.currentTarget as HTMLSelectElement).value });
  return (
    <select aria-label="Instance" value={instance.name || me.instances[0]} onChange={choose}>
      {me.instances.map((name) => (
        <option key={name}>{name}</option>
      ))}
    </select>
  );
}
