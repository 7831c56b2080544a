/**
 * How clients say which server is theirs: an identifier that a server has in cookies and other values of requests. It follows from the
 * server's address alone, so that every proxy, and every node, has the same without a word among them.
 */
import { formatHex } from '../../base/bytes.ts';
import { md5 } from '../../base/md5.ts';
import { hmacSha256 } from '../../base/sha256.ts';
import { encodeUtf8 } from '../../base/text.ts';

const KEYED_BYTES = 16;

/**
 * 32 hexadecimal digits. `key` null: as nginx makes them, whose clients keep their servers; who knows the addresses knows them too. With a
 * key nobody else can make them, or tell what they stand for.
 */
export function serverId(addressText: string, key: Uint8Array | null): string {
  const text = encodeUtf8(addressText);
  const digest = key === null ? md5(text) : hmacSha256(key, text).subarray(0, KEYED_BYTES);
  return formatHex(digest);
}
