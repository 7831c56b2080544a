/** The type that a Content-Type names, without parameters (RFC 9110 section 8.3.1). */
export function mediaType(contentType: string): string {
  return contentType.split(';', 1)[0].trim().toLowerCase();
}

/** HTML, XML and their kin, and what browsers look into to find out (MIME Sniffing, section 7). */
export function isMarkup(contentType: string): boolean {
  const type = mediaType(contentType);
  return /html|xml|xsl/.test(type) || !/^[^/]+\/[^/]+$/.test(type) || /unknown$|^\*/.test(type);
}
