/** A request that goes on elsewhere inside of the proxy: what becomes of its head, in place. */
import {
  BODY_NONE,
  FIELD_ID,
  FIELD_WORDS,
  F_CONTENT_LENGTH,
  F_EXPECT,
  F_NOMINATED,
  F_TRANSFER_ENCODING,
  METHOD_GET,
  METHOD_HEAD,
  type RequestHead,
} from '../../wire/http1/head.ts';

const GET = [0x47, 0x45, 0x54];
/** Room that has to be in front of a head: a method may be shorter than the one that it becomes. */
export const METHOD_ROOM = GET.length;

/** It asks for something, whatever it was; HEAD stays. Its first byte may be another one. */
export function makeGet(bytes: Uint8Array, head: RequestHead): void {
  if (head.method === METHOD_GET || head.method === METHOD_HEAD) return;
  head.start += head.methodLength - GET.length;
  for (let i = 0; i < GET.length; i++) bytes[head.start + i] = GET[i];
  head.method = METHOD_GET;
  head.methodLength = GET.length;
}

/** Its body is not passed on. */
export function dropBody(head: RequestHead): void {
  const { fields, fieldCount } = head;
  for (let word = FIELD_ID; word < fieldCount * FIELD_WORDS; word += FIELD_WORDS) {
    const id = fields[word];
    if (id === F_CONTENT_LENGTH || id === F_TRANSFER_ENCODING || id === F_EXPECT) fields[word] = F_NOMINATED;
  }
  head.body = BODY_NONE;
  head.contentLength = -1;
  head.hasOddLength = false;
  head.expectsContinue = false;
}
