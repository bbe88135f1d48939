import { render } from 'preact';
import { App } from './app.js';
import { me } from './parts/acting.js';
import type { Me } from './parts/answers.js';
import { placeOf } from './parts/address.js';
import { openLive } from './parts/live.js';
import { ask, instance } from './parts/server.js';
import { applyTheme } from './parts/theme.js';

const root = document.getElementById('page')!;

async function begin(): Promise<void> {
  applyTheme();
  try {
    Object.assign(me, await ask<Me>('me'));
  } catch (error) {
    root.textContent = (error as Error).message;
    return;
  }
  instance.name = placeOf(location.hash).of;
  openLive();
  render(<App />, root);
}

void begin();
