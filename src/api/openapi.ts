/** The OpenAPI document of the admin API (OpenAPI 3.1), whose schemas are JSON Schema 2020-12: what zod makes. */
import * as z from 'zod';
import { type Access, error, type Operation, OPERATIONS } from './operations.ts';
import { DESCRIPTIONS, NAMED_SHAPES } from './shapes.ts';

type Json = { readonly [key: string]: unknown };

const ACCESS: Readonly<Record<Access, string>> = {
  open: 'Needs no token.',
  read: 'Needs no token on loopback; elsewhere any.',
  configuration: 'Needs a token over TCP.',
  write: 'Needs a token over TCP that may change things.',
};

const ETag = { description: 'Of the configuration in force.', required: true, schema: { type: 'string' } };
const IF_MATCH = {
  name: 'If-Match',
  in: 'header',
  required: true,
  description: 'The ETag of what is changed, or `*`: whatever it is.',
  schema: { type: 'string' },
};

const JSON_MEDIA = 'application/json';
const PLACE = '#/components/schemas/';

/** `version`: of the program. */
export function openApiDocument(version: string): Json {
  return {
    openapi: '3.1.0',
    info: {
      title: 'evenkeel admin API',
      version,
      summary: 'See everything of a running evenkeel, and change it.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/', description: 'Where the document comes from: the Unix socket, or `admin.bind`.' }],
    paths: pathsOf(Object.entries(OPERATIONS)),
    components: {
      schemas: namedSchemas(),
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description: 'From `evenkeel token add`. The Unix socket needs none.',
        },
      },
    },
  };
}

function pathsOf(operations: readonly (readonly [string, Operation])[]): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const [id, operation] of operations) {
    (paths[operation.path] ??= {})[operation.method] = describe(id, operation);
  }
  return paths;
}

function describe(id: string, operation: Operation): Json {
  const { method, summary, access, params, query, body, isTagged, answer, media, otherMedia, answers, refusals } =
    operation;
  const medias = otherMedia === undefined ? [media] : [media, otherMedia];
  const tag = isTagged && method !== 'get' ? [IF_MATCH] : [];
  const parameters = [...parametersOf(params, 'path'), ...parametersOf(query, 'query'), ...tag];
  const failures = parameters.length === 0 ? refusals : { 400: 'A parameter is wrong.', ...refusals };
  const whoMay = access === 'open' ? {} : { 401: 'A token is needed.', 403: 'Not from there, or not with this token.' };
  return {
    operationId: id,
    summary,
    description: ACCESS[access],
    security: access === 'open' || access === 'read' ? [{}, { token: [] }] : [{ token: [] }],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === null
      ? {}
      : { requestBody: { description: body.description, required: true, content: { [body.media]: { schema: {} } } } }),
    responses: {
      ...responses(
        answers,
        media === JSON_MEDIA ? schemaOf(answer) : { type: 'string' },
        medias,
        isTagged ? { headers: { ETag } } : {},
      ),
      ...responses({ ...failures, ...whoMay }, schemaOf(error)),
    },
  };
}

function responses(
  texts: Readonly<Record<number, string>>,
  schema: Json,
  medias: readonly string[] = [JSON_MEDIA],
  more: Json = {},
): Json {
  return Object.fromEntries(
    Object.entries(texts).map(([status, description]) => {
      const content = Object.fromEntries(medias.map((media) => [media, { schema }]));
      return [status, { description, ...more, content }];
    }),
  );
}

function parametersOf(shape: z.ZodObject, place: 'path' | 'query'): readonly Json[] {
  const { properties = {}, required = [] } = z.toJSONSchema(shape, { io: 'output' });
  return Object.entries(properties).map(([name, schema]) => {
    const { description, ...rest } = plain(schema);
    return { name, in: place, required: required.includes(name), description, schema: rest };
  });
}

/** A schema with a name is referred to by it. */
function schemaOf(schema: z.ZodType): Json {
  const meta = NAMED_SHAPES.get(schema);
  if (meta !== undefined) return { $ref: `${PLACE}${meta.id}` };
  if (schema instanceof z.ZodUnknown) return {};
  if (schema instanceof z.ZodArray) return { type: 'array', items: schemaOf(schema.element as z.ZodType) };
  if (schema instanceof z.ZodNullable) {
    return { anyOf: [schemaOf(schema.unwrap() as z.ZodType), { type: 'null' }] };
  }
  throw new Error('an answer is of a schema that has a name, or an array of such');
}

function namedSchemas(): Json {
  const { schemas } = z.toJSONSchema(NAMED_SHAPES, { io: 'input', uri: (id) => `${PLACE}${id}` });
  return Object.fromEntries(
    Object.entries(schemas).map(([id, schema]) => {
      return [id, { description: DESCRIPTIONS.get(id), ...plain(schema) }];
    }),
  );
}

/** Without what says nothing here: the dialect, its own name, and the bounds of JavaScript's integers. */
function plain(schema: unknown): Json {
  return JSON.parse(
    JSON.stringify(schema, (key, value: unknown) => {
      if (key === '$schema' || key === '$id' || key === 'id') return typeof value === 'string' ? undefined : value;
      return key === 'maximum' && value === Number.MAX_SAFE_INTEGER ? undefined : value;
    }),
  ) as Json;
}
