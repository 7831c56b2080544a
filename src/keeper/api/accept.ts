/** Which of several media types whoever asks would rather have. RFC 9110 section 12.5.1 */

/** `offered`: the first one is for who does not say, and for whom nothing is right. Of media types that are liked as much the first one. */
export function mediaFor<T extends string>(accept: string | undefined, offered: readonly [T, ...T[]]): T {
  let [best] = offered;
  let bestQuality = 0;
  for (const media of offered) {
    const quality = qualityOf(accept ?? '*/*', nameOf(media));
    if (quality <= bestQuality) continue;
    best = media;
    bestQuality = quality;
  }
  return best;
}

/** By the most exact of the ranges that it is in; parameters other than the quality do not matter. */
function qualityOf(accept: string, media: string): number {
  const ranges = [media, `${media.slice(0, media.indexOf('/'))}/*`, '*/*'];
  let found = { rank: ranges.length, quality: 0 };
  for (const part of accept.split(',')) {
    const rank = ranges.indexOf(nameOf(part));
    if (rank < 0 || rank > found.rank) continue;
    const quality = Number(/;\s*q=([\d.]+)/i.exec(part)?.[1] ?? 1);
    found = rank === found.rank ? { rank, quality: Math.max(quality, found.quality) } : { rank, quality };
  }
  return found.quality;
}

function nameOf(text: string): string {
  return text.split(';')[0].trim().toLowerCase();
}
