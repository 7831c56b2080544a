/** What the schemas of the admin API are made of. Each one that has a name is a component of the OpenAPI document. */
import * as z from 'zod';

/** What a schema describes, as whoever makes or reads an answer has it: nothing of it is changed. */
export type View<S extends z.ZodType> = Frozen<z.infer<S>>;

type Frozen<T> =
  T extends AsyncIterable<unknown> ? T : T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T;

/** Those with a name, for the document. */
export const NAMED_SHAPES = z.registry<{ readonly id: string }>();
/** What each of them is. */
export const DESCRIPTIONS = new Map<string, string>();

/** Readers have to bear fields that they do not know: later versions add some. */
export function named<const S extends z.ZodRawShape>(id: string, description: string, shape: S): z.ZodObject<S> {
  DESCRIPTIONS.set(id, description);
  return z.object(shape).register(NAMED_SHAPES, { id }) as z.ZodObject<S>;
}

export const text = (description: string): z.ZodString => z.string().describe(description);
export const flag = (description: string): z.ZodBoolean => z.boolean().describe(description);
export const number = (description: string): z.ZodNumber => z.number().describe(description);
/** Whole, and not negative. */
export const count = (description: string): z.ZodInt => z.int().min(0).describe(description);
/** Whole milliseconds in answers; whoever makes them need not round. */
export const milliseconds = (description: string): z.ZodNumber => z.number().describe(description);
export const time = (description: string): z.ZodString => z.string().describe(`${description} ISO 8601, UTC.`);
