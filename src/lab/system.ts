/** Runs the system's tools (`ip`, `nft`, `bridge`), and says plainly what is missing for that. */
import { execFile } from 'node:child_process';

/** The machine does not let a lab be built, or a tool refused; the message says what to do. */
export class LabError extends Error {
  override readonly name = 'LabError';
}

export async function runTool(tool: string, args: readonly string[], input?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(tool, args, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      // EACCES: nor may this user look into every directory of PATH.
      else if (error.code === 'ENOENT' || error.code === 'EACCES')
        reject(new LabError(`${tool} is missing: ${PACKAGES[tool] ?? 'install it'}`));
      else reject(new LabError(`${[tool, ...args].join(' ')}: ${stderr.trim() || error.message}`));
    });
    // A tool that could not be started takes nothing; the callback says why.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input ?? '');
  });
}

const PACKAGES: Readonly<Record<string, string>> = {
  ip: 'install the package iproute2',
  bridge: 'install the package iproute2',
  nft: 'install the package nftables; without it links can be cut, but not a part of what goes over them',
};

/** Null, or why this machine or user cannot have a lab. */
export function refusalOfLab(platform = process.platform, uid = process.getuid?.()): string | null {
  if (platform !== 'linux') return `network namespaces are Linux only; this is ${platform}`;
  if (uid !== 0) return 'network namespaces need root: run it with sudo';
  return null;
}
