/**
 * Scripts that complete commands, options and their values. They hold all of it: a shell does not start Node at each
 * press of the key.
 */
import type { Shell } from '../commands/shells.js';
import type { DeclaredCommand, DeclaredOption } from './declared.js';

const HELP: DeclaredOption = { name: 'help', describe: 'Show help', takesValue: false, choices: [] };
const GLOBAL: readonly DeclaredOption[] = [
  HELP,
  { name: 'debug', describe: 'Show stack traces of errors.', takesValue: false, choices: [] },
];
const ALONE: readonly DeclaredOption[] = [...GLOBAL, { name: 'version', describe: 'Show the version', takesValue: false, choices: [] }];

export const COMPLETION_SCRIPTS: Readonly<Record<Shell, (commands: readonly DeclaredCommand[]) => string>> = { bash, zsh, fish };

function flatten(commands: readonly DeclaredCommand[]): DeclaredCommand[] {
  return commands.flatMap((command) => [command, ...flatten(command.commands)]);
}

/** A word in single quotes, for bash and zsh. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

const names = (commands: readonly DeclaredCommand[]) => commands.map(({ name }) => name).join(' ');
const dashed = (options: readonly DeclaredOption[]) => options.map(({ name }) => `--${name}`).join(' ');

function bash(commands: readonly DeclaredCommand[]): string {
  const all = flatten(commands);
  const cases = all.map(({ path, options, commands: below, positionals }) => {
    const choices = options.filter((option) => option.choices.length > 0);
    const valued = options.filter((option) => option.takesValue && option.choices.length === 0);
    const values = [
      ...choices.map((option) => `        --${option.name}) words=${quoted(option.choices.join(' '))} ;;`),
      ...(valued.length > 0 ? [`        ${valued.map(({ name }) => `--${name}`).join('|')}) return ;;`] : []),
    ];
    const next = [names(below), ...positionals.map((positional) => positional.choices.join(' '))].filter(Boolean).join(' ');
    return [
      `    ${quoted(path)})`,
      `      options=${quoted(dashed([...options, ...GLOBAL]))}`,
      `      next=${quoted(next)}`,
      ...(values.length > 0 ? ['      case $previous in', ...values, '      esac'] : []),
      '      ;;',
    ].join('\n');
  });
  return `# bash completion of fastsamd, written by "fastsamd completion bash"
_fastsamd() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} path= word words= options next
  COMPREPLY=()
  # bash splits --option=value in three.
  if [ "$current" = = ]; then
    current=
  elif [ "$previous" = = ]; then
    previous=\${COMP_WORDS[COMP_CWORD-2]}
  fi
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "\${path:+$path }$word" in
      ${all.map(({ path }) => quoted(path)).join('|')}) path="\${path:+$path }$word" ;;
    esac
  done
  case $path in
    '')
      options=${quoted(dashed(ALONE))}
      next=${quoted(names(commands))}
      ;;
${cases.join('\n')}
  esac
  if [ -z "$words" ]; then
    case $current in
      -*) words=$options ;;
      *) words=$next ;;
    esac
  fi
  # Where nothing fits, bash goes on with files.
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -o bashdefault -o default -F _fastsamd fastsamd
`;
}

function zsh(commands: readonly DeclaredCommand[]): string {
  const functionOf = (path: string) => ['_fastsamd', ...path.split(' ').filter(Boolean)].join('_').replaceAll('-', '_');
  const text = (words: string) => words.replaceAll('\\', '\\\\').replaceAll('[', '\\[').replaceAll(']', '\\]').replaceAll(':', '\\:');
  const option = ({ name, describe, takesValue, choices }: DeclaredOption) => {
    const value = choices.length > 0 ? `:${name}:(${choices.join(' ')})` : `:${name}:_files`;
    return quoted(`*--${name}[${text(describe)}]${takesValue ? value : ''}`);
  };
  const positional = ({ name, choices, describe }: DeclaredOption, rest: boolean) =>
    quoted(`${rest ? '*' : ''}:${text(describe || name)}:${choices.length > 0 ? `(${choices.join(' ')})` : '_files'}`);
  const below = (path: string, these: readonly DeclaredCommand[], options: readonly DeclaredOption[]) => `${functionOf(path)}() {
  local curcontext=$curcontext state line
  local -a commands
  _arguments -C ${[...options].map(option).join(' ')} '1: :->command' '*:: :->rest'
  case $state in
    command)
      commands=(${these.map(({ name, describe }) => quoted(`${text(name)}:${describe}`)).join(' ')})
      _describe command commands
      ;;
    rest)
      case $words[1] in
${these.map((command) => `        ${command.name}) ${functionOf(command.path)} ;;`).join('\n')}
      esac
      ;;
  esac
}`;
  const functions = flatten(commands).map((command) => {
    if (command.commands.length > 0) return below(command.path, command.commands, [...command.options, ...GLOBAL]);
    const isRest = (name: string) => command.arguments.includes(`${name}..`);
    const specs = [
      ...[...command.options, ...GLOBAL].map(option),
      ...command.positionals.map((each) => positional(each, isRest(each.name))),
    ];
    return `${functionOf(command.path)}() {\n  _arguments \\\n    ${specs.join(' \\\n    ')}\n}`;
  });
  return `#compdef fastsamd
# zsh completion of fastsamd, written by "fastsamd completion zsh"
${[...functions, below('', commands, ALONE)].join('\n\n')}

_fastsamd "$@"
`;
}

function fish(commands: readonly DeclaredCommand[]): string {
  const word = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const option = ({ name, describe, takesValue, choices }: DeclaredOption, condition: string) => {
    const value = !takesValue ? '' : choices.length > 0 ? ` -x -a ${word(choices.join(' '))}` : ' -r';
    return `complete -c fastsamd -n ${word(condition)} -l ${name} -d ${word(describe)}${value}`;
  };
  const lines = [
    '# fish completion of fastsamd, written by "fastsamd completion fish"',
    '# The words of the command so far, options left out.',
    'function __fastsamd_at',
    '    set -l words (commandline -opc | string match -v -- "-*")',
    '    test (count $words) -ge (math (count $argv) + 1); or return 1',
    '    for k in (seq (count $argv))',
    '        test $words[(math $k + 1)] = $argv[$k]; or return 1',
    '    end',
    'end',
    'function __fastsamd_exactly',
    '    __fastsamd_at $argv; and test (count (commandline -opc | string match -v -- "-*")) -eq (math (count $argv) + 1)',
    'end',
    ...GLOBAL.map(({ name, describe }) => `complete -c fastsamd -l ${name} -d ${word(describe)}`),
    ...commands.map(({ name, describe }) => `complete -c fastsamd -n __fastsamd_exactly -f -a ${name} -d ${word(describe)}`),
  ];
  for (const { path, options, commands: below, positionals } of flatten(commands)) {
    lines.push(...options.map((each) => option(each, `__fastsamd_at ${path}`)));
    lines.push(
      ...below.map(
        ({ name, describe }) => `complete -c fastsamd -n ${word(`__fastsamd_exactly ${path}`)} -f -a ${name} -d ${word(describe)}`,
      ),
    );
    for (const { choices } of positionals.filter((each) => each.choices.length > 0)) {
      lines.push(`complete -c fastsamd -n ${word(`__fastsamd_at ${path}`)} -f -a ${word(choices.join(' '))}`);
    }
  }
  return `${lines.join('\n')}\n`;
}
