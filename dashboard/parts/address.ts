import { useEffect, useState } from 'preact/hooks';
import { openLive } from './live.js';
import { instance, type Said } from './server.js';

/** Where the page is, all of it in the address: whoever is given it sees the same. */
export interface Place {
  page: string;
  /** The instance; '' for the first. */
  of: string;
  said: Record<string, string>;
}

export function placeOf(hash: string): Place {
  const [page = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const { of = '', ...said } = Object.fromEntries(new URLSearchParams(query));
  return { page: page || 'overview', of, said };
}

export function to(page: string, said: Said = {}): string {
  const given = Object.entries({ ...said, of: said.of ?? instance.name }).filter(
    (each): each is [string, string] => Boolean(each[1]),
  );
  const query = new URLSearchParams(given).toString();
  return `#/${page}${query ? `?${query}` : ''}`;
}

export function go(page: string, said: Said = {}): void {
  location.hash = to(page, said);
}

export function usePlace(): Place {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const moved = (): void => {
      const { of } = placeOf(location.hash);
      if (of !== instance.name) {
        instance.name = of;
        openLive();
      }
      setHash(location.hash);
    };
    window.addEventListener('hashchange', moved);
    // Effects run after the first picture: whoever has gone on by then would be kept where they were.
    moved();
    return () => window.removeEventListener('hashchange', moved);
  }, []);
  return placeOf(hash);
}
