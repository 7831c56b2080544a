/**
 * The JSON Schema of evenkeel.yaml (draft 2020-12), for editors: yaml-language-server checks and completes by it. It is made
 * from the model, and says less than the checker: how parts fit together is not in it.
 */
import * as z from 'zod';
import { Config } from './config.ts';

export interface JsonSchema {
  readonly title?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  /** Ours: allowed values in words. */
  readonly range?: string;
  /** Ours: may also be a map of node names. */
  readonly perNode?: boolean;
}

/** With our own keywords, which other programs do not know: what the reference page is made from. */
export function annotatedSchema(): JsonSchema {
  return z.toJSONSchema(Config, { target: 'draft-2020-12', io: 'input' }) as JsonSchema;
}

/** For everybody: the range is in the description, and our own keywords are gone. */
export function publicSchema(): JsonSchema {
  const options: Parameters<typeof z.toJSONSchema>[1] = {
    target: 'draft-2020-12',
    io: 'input',
    override: ({ jsonSchema }) => {
      const { range, description } = jsonSchema;
      if (typeof range === 'string' && description !== undefined) {
        jsonSchema.description = `${description} From ${range}.`;
      }
      delete jsonSchema['range'];
      delete jsonSchema['perNode'];
    },
  };
  return z.toJSONSchema(Config, options) as JsonSchema;
}
