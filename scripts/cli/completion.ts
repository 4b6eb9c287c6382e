/** `countersign completion`: a script for the shell, made of the commands as they are. */
import { Argument, type Command } from 'commander';
import { answer, type OutputOptions } from './output.ts';

const SHELLS = ['bash', 'zsh'] as const;

export function addCompletionCommand(program: Command): void {
  program
    .command('completion')
    .description('a script that completes commands and options')
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .option('--json', 'answer as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  source <(countersign completion bash)\n  source <(countersign completion zsh)',
    )
    .action((shell: (typeof SHELLS)[number], options: OutputOptions) => {
      const script = completionScript(program, shell);
      answer(options, { shell, script }, () => script);
    });
}

/** zsh runs the functions of bash. */
export function completionScript(program: Command, shell: (typeof SHELLS)[number]): string {
  const lines =
    shell === 'zsh'
      ? ['autoload -U +X compinit && compinit', 'autoload -U +X bashcompinit && bashcompinit']
      : [];
  return [...lines, ...bashLines(program)].join('\n');
}

/** The path of commands that was typed says which words can follow. Values of options are files, mostly. */
function bashLines(program: Command): string[] {
  return [
    '_countersign() {',
    '  local path="" word words',
    `  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do`,
    `    case "$word" in -*) ;; *) path="\${path:+$path }$word" ;; esac`,
    '  done',
    '  case "$path" in',
    ...casesOf(program, []).map(([path, words]) => `    ${patternOf(path)}) words="${words}" ;;`),
    '  esac',
    `  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))`,
    '}',
    'complete -o default -F _countersign countersign',
  ];
}

/** The command itself, and the command with arguments behind it. */
const patternOf = (path: string) => (path === '' ? '*' : `"${path}"|"${path} "*`);

/** Deeper paths first: the first pattern that fits is taken. */
function casesOf(command: Command, path: readonly string[]): (readonly [string, string])[] {
  const deeper = command.commands.flatMap((child) => casesOf(child, [...path, child.name()]));
  const words = [
    ...command.commands.map((child) => child.name()),
    ...command.options.map(({ long }) => long ?? ''),
    '--help',
  ];
  return [...deeper, [path.join(' '), words.join(' ')]];
}
