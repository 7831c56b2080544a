/** The dashboard: what the admin API tells, on one page. Drawn anew, at most once a frame, when something has changed. */
import { render } from 'preact';
import { App } from './app.tsx';
import { Store } from './store.ts';

const place = document.querySelector('#app')!;
let isDue = false;

const store = new Store(() => {
  if (isDue) return;
  isDue = true;
  // a hidden page has no frames, and needs none
  requestAnimationFrame(() => {
    isDue = false;
    draw();
  });
});

function draw(): void {
  const { status } = store.model;
  document.title = status === null ? 'evenkeel' : `${status.ha?.node ?? location.hostname} – evenkeel`;
  render(<App store={store} model={store.model} />, place);
}

draw();
store.start();
