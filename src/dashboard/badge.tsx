/** A state, told by a word, a shape and a colour: nobody has to tell colours apart. */

export type Tone = 'good' | 'warn' | 'bad' | 'off' | 'info';

const SHAPES: Readonly<Record<Tone, string>> = {
  good: 'M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2z',
  warn: 'M8 2l6.500 12h-13z',
  bad: 'M8 1.500L14.500 8 8 14.500 1.500 8z',
  off: 'M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2zm0 2.500a3.500 3.500 0 1 0 0 7 3.500 3.500 0 0 0 0-7z',
  info: 'M3 3h10v10H3z',
};

export function Shape({ tone }: { readonly tone: Tone }) {
  return (
    <svg class={`shape ${tone}`} viewBox="0 0 16 16" width="10" height="10" aria-hidden="true">
      <path d={SHAPES[tone]} />
    </svg>
  );
}

export function Badge({ tone, text }: { readonly tone: Tone; readonly text: string }) {
  return (
    <span class={`badge ${tone}`}>
      <Shape tone={tone} />
      {text}
    </span>
  );
}
