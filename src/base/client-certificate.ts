/** The certificate of a TLS client, right or wrong, as values of requests say it. The texts are ASCII. */
export interface ClientCertificateFacts {
  /** `SUCCESS`, or `FAILED:` and why. */
  readonly verified: string;
  /** As of RFC 2253. */
  readonly subject: string;
  readonly issuer: string;
  /** As OpenSSL once wrote them: `/O=Example/CN=door` */
  readonly oldSubject: string;
  readonly oldIssuer: string;
  /** Hexadecimal. */
  readonly serial: string;
  /** SHA-256, hexadecimal. */
  readonly fingerprint: string;
  /** SHA-1. */
  readonly oldFingerprint: string;
  /** `Nov 29 19:27:31 2026 GMT` */
  readonly notBefore: string;
  readonly notAfter: string;
  /** Unix time. */
  readonly notAfterMs: number;
  /** PEM, with spaces in place of ends of lines. */
  readonly pemLine: string;
  /** PEM, with URL escapes. */
  readonly escapedPem: string;
}
