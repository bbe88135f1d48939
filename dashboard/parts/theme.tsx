import { useState } from 'preact/hooks';

const THEMES = ['auto', 'light', 'dark'] as const;
const KEY = 'simple-queue-theme';
const SIGNS = { auto: '◐', light: '☀', dark: '☾' };

/** A browser may keep nothing for anybody. */
function kept(): (typeof THEMES)[number] {
  try {
    return THEMES.find((theme) => theme === localStorage.getItem(KEY)) ?? 'auto';
  } catch {
    return 'auto';
  }
}

export function applyTheme(theme = kept()): void {
  document.documentElement.dataset.theme = theme;
}

export function ThemeSwitch() {
  const [theme, setTheme] = useState(kept);
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]!;
  const change = (): void => {
    try {
      localStorage.setItem(KEY, next);
    } catch {
      // It holds for this page then.
    }
    applyTheme(next);
    setTheme(next);
  };
  return (
    <button
      type="button"
      title={`Colours: ${theme}`}
      aria-label={`Colours: ${theme}`}
      onClick={change}
    >
      <span aria-hidden="true">{SIGNS[theme]}</span>
    </button>
  );
}
