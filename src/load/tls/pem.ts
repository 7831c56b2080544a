/** The blocks of a PEM file (RFC 7468), by their labels. */

export interface PemBlock {
  readonly label: string;
  /** With its lines BEGIN and END. */
  readonly text: string;
}

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[^-]*(?:-(?!----)[^-]*)*-----END \1-----/g;

export function pemBlocks(text: string): readonly PemBlock[] {
  return [...text.matchAll(BLOCK)].map(([block, label]) => ({ label, text: block }));
}

/** What is in it: DER. */
export function pemBytes({ text }: PemBlock): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replace(/-----[^-]*-----/g, ''), 'base64'));
}

export function isCertificate({ label }: PemBlock): boolean {
  return label === 'CERTIFICATE' || label === 'X509 CERTIFICATE' || label === 'TRUSTED CERTIFICATE';
}

export function isPrivateKey({ label }: PemBlock): boolean {
  return label === 'PRIVATE KEY' || label.endsWith(' PRIVATE KEY');
}
