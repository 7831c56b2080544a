import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { CapturingRegex, Regex, checkRegexText } from './regex.ts';

/** What ECMAScript's own engine says, by code points. */
function expected(expression: string, text: string): readonly (string | undefined)[] | null {
  return new RegExp(expression, 'u').exec(text);
}

function found(regex: CapturingRegex, bytes: Uint8Array, at: number, length: number): (string | undefined)[] | null {
  if (!regex.exec(bytes, at, length)) return null;
  return Array.from({ length: regex.groupCount }, (_, i) => {
    const [from, to] = [regex.groups[i * 2], regex.groups[i * 2 + 1]];
    return from < 0 || to < 0 ? undefined : Buffer.from(bytes.subarray(at + from, at + to)).toString();
  });
}

/** `captures`: the groups are compared, and not only the whole match. */
function compare(expression: string, texts: readonly string[], captures = true): void {
  const regex = new Regex(expression);
  const capturing = new CapturingRegex(expression);
  for (const text of texts) {
    const bytes = new Uint8Array(Buffer.from(`x${text}x`));
    const length = bytes.length - 2;
    const wanted = expected(expression, text);
    const name = `/${expression}/ on ${JSON.stringify(text)}`;
    assert.equal(regex.test(bytes, 1, length), wanted !== null, name);
    const groups = found(capturing, bytes, 1, length);
    const compared = captures ? undefined : 1;
    assert.deepEqual(groups?.slice(0, compared), wanted === null ? undefined : [...wanted].slice(0, compared), name);
  }
}

const PLAIN: readonly (readonly [expression: string, ...texts: string[]])[] = [
  ['', '', 'a'],
  ['a', '', 'a', 'ba'],
  ['^/api/', '/api/', '/api', '/xapi/', '/api/x'],
  ['^$', '', 'a'],
  ['x.*y.*z$', 'xyz', 'axbycz', 'xyzz', 'xzy'],
  ['^/user/([0-9]+)(/.*)?$', '/user/12', '/user/12/x', '/user/', '/user/12x'],
  ['\\.(php|jsp)$', '/a.php', '/a.jsp', '/aphp', '/a.php/'],
  ['(a|ab)(c|bcd)(d*)', 'abcd', 'abcdd', 'acd'],
  ['(a+|b)*?c', 'aabc', 'c', 'ab'],
  ['(?:(a)|b)*', 'ab', 'ba', ''],
  ['(a*)*', 'b', 'aab', ''],
  ['(?:a*|b)*c', 'bc', 'abac', 'c', 'abd'],
  ['(z)((a+)?(b+)?(c))*', 'zaacbbbcac', 'z'],
  ['^(?!/api)', '/x', '/api', ''],
  ['^/(?!(?:api|static)/).*$', '/x/', '/api/x', '/apix/', '/static/'],
  ['^(?:(?!xx).)*$', 'axbx', 'axxb', ''],
  ['a(?=b(?!c))', 'abd', 'abc', 'a'],
  ['\\bfoo\\b', 'a foo b', 'afoo', 'foo', 'foox', 'foo-'],
  ['\\Boo\\B', 'foox', 'oo', 'foo'],
  ['^.{3}$', 'abc', 'äöü', 'ab', '😀bc', 'ab\n'],
  ['[^/]{2,3}/', 'a/b', 'ab/', 'äö/', 'abcd/'],
  ['^[\\w.-]+@[^@\\s]+$', 'a.b@c', 'a@b@c', 'a b@c'],
  ['[\\d-]+', 'a-1-', '', 'x'],
  ['(?<year>\\d{4})-(?<month>\\d\\d)', '2024-05', '24-05'],
  ['\\u00e9|\\x41|\\t|\\cA|\\0', 'é', 'A', '\t', '\x01', '\0', 'B'],
  ['[]|a', 'a', 'b'],
  ['[^]', '\n', ''],
];

test('an expression matches what it matches in ECMAScript, with the same groups', () => {
  for (const [expression, ...texts] of PLAIN) {
    compare(expression, texts);
  }
});

test('characters that need no escape outside of a class are themselves, as without the flag u', () => {
  for (const expression of ['a{', 'a{x}', 'a{,2}', ']', '}', '\\-', '[\\w-x]', '\\_']) {
    for (const text of ['a{', 'a{x}', 'a{,2}', ']', '}', '-', 'x', '_', '']) {
      const bytes = new Uint8Array(Buffer.from(text));
      const wanted = new RegExp(expression).test(text);
      assert.equal(new Regex(expression).test(bytes, 0, bytes.length), wanted, `/${expression}/ on ${text}`);
    }
  }
});

test('a byte that is part of no character is one character', () => {
  const bytes = Uint8Array.of(0x61, 0xff, 0xc3, 0x61);
  assert.equal(new Regex('^a..a$').test(bytes, 0, 4), true);
  assert.equal(new Regex('^a\\ufffd{2}a$').test(bytes, 0, 4), true);
});

const atom = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', 'é', '\\w', '\\d', '^', '$', '\\b', '\\B', 'ab');
/** With groups in groups, so deep. */
const nested = (maxDepth: number): fc.Arbitrary<string> =>
  fc.letrec<{ choice: string; sequence: string; term: string }>((tie) => ({
    choice: fc.array(tie('sequence'), { minLength: 1, maxLength: 3 }).map((parts) => parts.join('|')),
    sequence: fc.array(tie('term'), { maxLength: 4 }).map((parts) => parts.join('')),
    term: fc.oneof(
      { maxDepth, depthSize: 'small', withCrossShrink: true },
      atom,
      fc
        .tuple(
          fc.constantFrom('a', 'b', '.', '[^b]', 'é'),
          fc.constantFrom('*', '+', '?', '*?', '+?', '??', '{2}', '{1,3}', '{2,}?'),
        )
        .map((parts) => parts.join('')),
      fc
        .tuple(tie('choice'), fc.constantFrom('', '', '*', '+', '?', '*?'))
        .map(([inner, count]) => `(${inner})${count}`),
      fc.tuple(tie('choice'), fc.constantFrom('', '*', '{0,2}')).map(([inner, count]) => `(?:${inner})${count}`),
      tie('choice').map((inner) => `(?!${inner.replaceAll('(', '(?:').replaceAll('(?:?', '(?')})`),
      tie('choice').map((inner) => `(?=${inner.replaceAll('(', '(?:').replaceAll('(?:?', '(?')})`),
    ),
  })).choice;
/** Deep ones are long: most of them are refused for what they would cost, which takes time to find out. */
const expression = fc.oneof({ weight: 4, arbitrary: nested(2) }, { weight: 1, arbitrary: nested(4) });

test('whatever the expression and the text, the match is that of ECMAScript', () => {
  let compared = 0;
  const text = fc.array(fc.constantFrom('a', 'b', 'é', '-', '1'), { maxLength: 8 }).map((chars) => chars.join(''));
  fc.assert(
    fc.property(expression, fc.array(text, { minLength: 1, maxLength: 4 }), (written, texts) => {
      if (checkRegexText(written, true) !== null) return;
      compare(written, texts, false);
      compared++;
    }),
    { numRuns: 800 },
  );
  assert.ok(compared > 100, `${compared} expressions were compared`);
});

/** Built to make an engine that tries one way after another try them all. */
const HOSTILE: readonly string[] = [
  'x.*y.*z$',
  '(x+x+)+y',
  '^/(a+)+$',
  '^(([a-z])+.)+[A-Z]([a-z])+$',
  '(.*)*(.*)*(.*)*=',
  '(?:a|aa)+$',
  '(a|a|b?)*c',
  '^(?=.*x)(?=.*y)(?=.*z).*$',
  '^(?:(?!abc).)*$',
  '[a-z]{1,16}x$',
  'token=.{20}&',
  '.{1,40}y.{1,8}z',
  '\\b(\\w+\\s*)+\\b-$',
];

test('no expression has a text that costs more than its length: what a step is worth is bounded before', () => {
  const texts = ['a', 'x', 'xyz', 'ab', 'a ', '&token='].map((piece) => piece.repeat(16 * 1024).slice(0, 16 * 1024));
  for (const expression of HOSTILE) {
    assert.equal(checkRegexText(expression, false), null, expression);
    const steps = new Regex(expression).stepsMax;
    assert.ok(steps <= 48, `/${expression}/: ${steps} steps for a character`);
    // an engine that backtracks does not come back from these
    for (const text of texts) new Regex(expression).test(new Uint8Array(Buffer.from(text)), 0, text.length);
  }
});

test('where there is no automaton, the machine says the same', () => {
  const regex = new Regex('token=.{20}&');
  assert.ok(regex.stepsMax > 1);
  const check = (text: string): boolean => regex.test(new Uint8Array(Buffer.from(text)), 0, Buffer.byteLength(text));
  assert.equal(check(`x=1&token=${'é'.repeat(20)}&y`), true);
  assert.equal(check(`x=1&token=${'a'.repeat(19)}&y`), false);
  assert.equal(check(`token=${'&'.repeat(21)}`), true);
  assert.equal(check(''), false);
});

const REFUSED: readonly (readonly [expression: string, reason: RegExp, captures?: boolean])[] = [
  ['^/(.{1,17}x){1,20}y$', /remember/],
  ['^/(a)/\\1$', /refers back/],
  ['(?<n>a)\\k<n>', /refers back/],
  ['(?<=a)b', /looks behind/],
  ['(?<!a)b', /looks behind/],
  ['a{1,100000}', /counts further/],
  ['((a{1,300}){1,300})', /too long/],
  ['(?=(a))a', /captures nothing/, true],
];

test('what cannot be matched in linear time is refused with the reason', () => {
  for (const [expression, reason, captures = false] of REFUSED) {
    const problem = checkRegexText(expression, captures);
    assert.match(problem?.reason ?? '', reason, expression);
    assert.equal(problem?.isCostly, true, expression);
  }
});

const WRONG: readonly (readonly [expression: string, reason: RegExp])[] = [
  ['(', /unterminated group/],
  ['a)', /unmatched/],
  ['[a', /unterminated character class/],
  ['[b-a]', /out of order/],
  ['a{2,1}', /out of order/],
  ['*a', /nothing to repeat/],
  ['a**', /nothing to repeat/],
  ['^*', /nothing to repeat/],
  ['{1}', /nothing to repeat/],
  ['\\', /at the end/],
  ['\\p{L}', /not an escape/],
  ['(?i)a', /invalid group/],
  ['(?<a>x)(?<a>y)', /two groups/],
  ['('.repeat(200), /deeper/],
];

test('what is no expression is refused with the reason', () => {
  for (const [expression, reason] of WRONG) {
    const problem = checkRegexText(expression, false);
    assert.match(problem?.reason ?? '', reason, expression);
    assert.equal(problem?.isCostly, false, expression);
  }
});
