/** The configuration on the command line: one file or several, each in its own language. */
import { type Command, Option } from 'commander';
import type { FrontEndName } from '../config/front-end.ts';
import { type ConfigFile, STANDARD_INPUT } from './config-file.ts';

/** What the options leave of themselves. */
export interface LanguageFlags {
  readonly nginx?: readonly string[];
  readonly keepalived?: readonly string[];
}

/** Of every command that reads a configuration. */
export function addConfigFiles(command: Command): Command {
  return command
    .argument(
      '[files...]',
      'the configuration: evenkeel.yaml, nginx.conf, keepalived.conf; several are one configuration; `-` reads standard input',
    )
    .addOption(languageOption('nginx'))
    .addOption(languageOption('keepalived'));
}

function collect(path: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, path];
}

function languageOption(language: FrontEndName): Option {
  return new Option(
    `--${language} <file>`,
    `a file that is read as ${language}.conf, whatever its content looks like`,
  ).argParser(collect);
}

/** A command without a file, or with standard input twice, ends as a usage error. */
export function configFilesOf(command: Command, paths: readonly string[], flags: LanguageFlags): readonly ConfigFile[] {
  const files: readonly ConfigFile[] = [
    ...paths.map((path) => ({ path, language: null })),
    ...(flags.nginx ?? []).map((path) => ({ path, language: 'nginx' as const })),
    ...(flags.keepalived ?? []).map((path) => ({ path, language: 'keepalived' as const })),
  ];
  if (files.length === 0) command.error("error: missing required argument 'file'");
  if (files.filter(({ path }) => path === STANDARD_INPUT).length > 1)
    command.error('error: standard input (`-`) can only be one of the files');
  return files;
}
