/** A Config as evenkeel.yaml, with comments that say where each part was written. */
import { Document, isMap, type Node, type YAMLMap } from 'yaml';
import { placeText, type SourceMap } from '../findings/diagnostic.ts';
import type { Config } from '../model/config.ts';

const WIDTH = 120;
/** Maps that fit on a line are written on one, from this level on. */
const FLOW_DEPTH = 3;

/** `title`: the first line, as a comment. */
export function writeYaml(config: Config, source: SourceMap, title: string): string {
  const document = new Document(config);
  document.commentBefore = ` ${title}`;
  if (!isMap(document.contents)) return String(document);
  for (const part of document.contents.items) {
    const key = keyOf(part.key);
    const { value } = part;
    if (!isMap(value)) continue;
    for (const entry of (value as YAMLMap<Node>).items) {
      const path = [key, keyOf(entry.key)];
      entry.key.commentBefore = ` ${placeText(source.locate(path, 'key'))}`;
      flatten(entry.value, FLOW_DEPTH);
    }
  }
  return document.toString({ lineWidth: WIDTH, flowCollectionPadding: true });
}

function keyOf(key: unknown): string {
  return String((key as { readonly value: unknown }).value);
}

/** Short lists and maps on one line. */
function flatten(node: unknown, depth: number): void {
  const items = (node as { readonly items?: readonly unknown[] } | null)?.items;
  if (items === undefined) return;
  const length = JSON.stringify(node).length;
  if (depth < FLOW_DEPTH && length < WIDTH / 2) {
    (node as { flow: boolean }).flow = true;
    return;
  }
  for (const item of items) flatten((item as { readonly value?: unknown }).value ?? item, depth - 1);
}
