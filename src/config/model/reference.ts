/** The reference pages of docs/, made from the model and the catalogue, so that they cannot say anything else than the program. */
import type { Severity } from '../findings/entry.ts';
import { CATALOGUE } from '../findings/catalogue.ts';
import type { JsonSchema } from './json-schema.ts';
import { annotatedSchema } from './json-schema.ts';
import { yamlText } from './schema-walk.ts';

const GENERATED = '<!-- made by `npm run docs`; edit src/config instead -->\n';

/** docs/reference/configuration.md */
export function configurationPage(): string {
  const sections: string[] = [];
  addSection(annotatedSchema(), '', sections);
  return `${GENERATED}
# Configuration reference

Every key of evenkeel.yaml. How to write one is in [configuration](../configuration.md); what the checker says is in
[errors](errors.md); \`evenkeel schema\` prints the same as JSON Schema.

| value | written as |
|---|---|
| duration | a whole number and one unit: \`500ms\`, \`10s\`, \`5m\`, \`1h\` |
| size | bytes, or a whole number and one unit: \`512\`, \`16KiB\`, \`1MiB\`, \`1GiB\`, \`1TiB\` |
| name | up to 63 letters, digits, \`_\`, \`.\` and \`-\` |
| or per node | one value, or a map of node names to values: \`{ lb01: 150, lb02: 100 }\` |

A key without default may be left out, unless it is marked **required**.

${sections.join('\n')}`;
}

/** Depth first, in the order of the model: the table of a map, then those of the maps in it. */
function addSection(schema: JsonSchema, path: string, sections: string[]): void {
  const rows = Object.entries(schema.properties ?? {}).map(([name, inside]) => {
    const isRequired = schema.required?.includes(name) === true;
    const defaultText = isRequired ? '**required**' : defaultOf(inside);
    return `| \`${name}\` | ${kindOf(inside, join(path, name))} | ${defaultText} | ${escape(inside.description ?? '')} |\n`;
  });
  const title = path === '' ? '## Top level' : `## \`${path}\``;
  sections.push(`${title}\n\n| key | value | default | |\n|---|---|---|---|\n${rows.join('')}`);
  for (const [name, inside] of Object.entries(schema.properties ?? {})) addInner(inside, join(path, name), sections);
}

/** The sections of the maps that a value may be or may have. */
function addInner(schema: JsonSchema, path: string, sections: string[]): void {
  if (schema.properties !== undefined) addSection(schema, path, sections);
  if (schema.items !== undefined) addInner(schema.items, `${path}[]`, sections);
  if (typeof schema.additionalProperties === 'object')
    addInner(schema.additionalProperties, `${path}.<name>`, sections);
  // Of a value per node, the map of nodes says nothing new.
  const options = schema.perNode === true ? schema.anyOf?.slice(0, 1) : schema.anyOf;
  for (const option of options ?? []) addInner(option, path, sections);
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

/** What kind of value it is, in words, with links to the sections of maps. */
function kindOf(schema: JsonSchema, path: string): string {
  const range = schema.range === undefined ? '' : `, ${schema.range}`;
  if (schema.perNode === true) {
    const forAll = schema.title === undefined ? kindOf(schema.anyOf?.[0] ?? {}, path) : `${schema.title}${range}`;
    return `${forAll}; or per node`;
  }
  if (schema.properties !== undefined) return `[map](#${anchorOf(path)})`;
  if (typeof schema.additionalProperties === 'object') {
    return `by name: ${kindOf(schema.additionalProperties, `${path}.<name>`)}`;
  }
  if (schema.const !== undefined) return `\`${yamlText(schema.const)}\``;
  if (schema.enum !== undefined) return schema.enum.map((choice) => `\`${yamlText(choice)}\``).join(', ');
  if (schema.title !== undefined) return `${schema.title}${range}`;
  if (schema.items !== undefined) return `list of: ${kindOf(schema.items, `${path}[]`)}`;
  if (schema.anyOf !== undefined) return choiceOf(schema.anyOf, path);
  return schema.type === 'boolean' ? '`true`, `false`' : (schema.type ?? 'text');
}

function choiceOf(options: readonly JsonSchema[], path: string): string {
  const [one, many] = options;
  const isOneOrMany = options.length === 2 && JSON.stringify(many.items) === JSON.stringify(one);
  if (isOneOrMany) return `${kindOf(one, path)}, or a list of them`;
  return [...new Set(options.map((option) => kindOf(option, path)))].join(' or ');
}

function defaultOf(schema: JsonSchema): string {
  return schema.default === undefined ? '' : `\`${yamlText(schema.default)}\``;
}

/** As GitHub makes it of a heading. */
function anchorOf(path: string): string {
  return path.toLowerCase().replace(/[^a-z0-9_-]/g, '');
}

function escape(text: string): string {
  return text.replaceAll('|', '\\|');
}

const SEVERITIES: Readonly<Record<Severity, string>> = {
  error: '## Errors\n\nWith any of these the configuration is not used, and `evenkeel check` exits with 1.\n',
  warning: '## Warnings\n\nMost likely not what was meant; the configuration is used.\n',
  unsupported: '## Unsupported\n\nRight, and not built yet: see [what is not supported](../not-supported.md).\n',
};

/** docs/reference/errors.md */
export function errorsPage(): string {
  const parts: string[] = [];
  for (const [severity, heading] of Object.entries(SEVERITIES)) {
    parts.push(heading);
    for (const [code, entry] of Object.entries(CATALOGUE)) {
      if (entry.severity !== severity) continue;
      const about = 'about' in entry ? `\n${entry.about}\n` : '';
      parts.push(`### ${code}\n\n\`\`\`text\n${entry.message}; ${entry.remedy}\n\`\`\`\n${about}`);
    }
  }
  return `${GENERATED}
# What the checker says

\`\`\`
file:line:column: what is wrong; what to write instead [code]
\`\`\`

All errors are said at once. The code in brackets is stable: it is safe to search for and to use in scripts. Words in angle
brackets are filled in.

${parts.join('\n')}`;
}
