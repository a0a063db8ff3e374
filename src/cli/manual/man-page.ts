/** The manual page fastsamd(1), in roff (man macros). */
import type { DeclaredCommand, DeclaredOption } from './declared.js';

const ENVIRONMENT: readonly (readonly [string, string])[] = [
  ['FASTSAMD_BROKER', 'Broker of request, watch and job, as --broker.'],
  ['FASTSAMD_USERNAME, FASTSAMD_MQTT_PASSWORD', 'Login to that broker.'],
  ['FASTSAMD_PREFIX', 'Topic levels before the node, as --prefix.'],
  ['FASTSAMD_CAMERA_PASSWORD', 'Password of a network camera, for camera probe.'],
  ['FASTSAMD_MODELS', 'Folder of installed models.'],
  ['FASTSAMD_MANIFEST', 'List of models that model pull knows.'],
  ['HTTP_PROXY, HTTPS_PROXY, NO_PROXY', 'Respected by everything that downloads.'],
  ['NO_COLOR', 'No colours on a terminal.'],
];

const EXIT_STATUS: readonly (readonly [string, string])[] = [
  ['0', 'Success; also when the reader of standard output has seen enough.'],
  ['1', 'Anything that has no number below.'],
  ['2', 'Wrong usage or configuration.'],
  ['3', 'Unusable input.'],
  ['129, 130, 143', 'Ended by SIGHUP, SIGINT or SIGTERM, with what was written complete.'],
];

export function manPage(commands: readonly DeclaredCommand[], version: string): string {
  const lines = [
    `.TH FASTSAMD 1 "" ${argument(`fastsamd ${version}`)} "User Commands"`,
    // No hyphens in options and words that are copied, and no gaps between words.
    '.nh',
    '.ad l',
    '.SH NAME',
    'fastsamd \\- segment everything a camera sees and publish it over MQTT',
    '.SH SYNOPSIS',
    '.B fastsamd',
    '.I COMMAND',
    '[options]',
    '.SH DESCRIPTION',
    ...paragraph(
      'fastsamd captures camera frames, segments everything in them with FastSAM, keeps what prompts ask for (everything, points, boxes, text) and publishes results and health over MQTT, where prompts can also be changed. The commands beside "run" segment files, ask running nodes, and prepare models, cameras and configurations.',
    ),
    ...paragraph('Every command takes --help, and --debug, which shows stack traces of errors.'),
    '.SH COMMANDS',
    ...leaves(commands).flatMap(commandLines),
    '.SH EXIT STATUS',
    ...EXIT_STATUS.flatMap(([code, what]) => tagged(bold(code), what)),
    '.SH ENVIRONMENT',
    ...ENVIRONMENT.flatMap(([name, what]) => tagged(bold(name), what)),
    '.SH FILES',
    ...tagged(bold('/etc/fastsamd/config.yaml'), 'Configuration of the service fastsamd.service.'),
    ...tagged(bold('/var/lib/fastsamd'), 'Its state: prompts, models, records.'),
    '.SH SEE ALSO',
    ...paragraph('The folder docs/ beside the program: quick-start.md, config.md, mqtt.md, operations.md.'),
  ];
  return `${lines.join('\n')}\n`;
}

/** Commands that are run: those without commands below them. */
function leaves(commands: readonly DeclaredCommand[]): DeclaredCommand[] {
  return commands.flatMap((command) => (command.commands.length > 0 ? leaves(command.commands) : [command]));
}

function commandLines({ path, arguments: words, describe, positionals, options, examples, epilogue }: DeclaredCommand): string[] {
  const usage = `fastsamd ${path}${words ? ` ${words}` : ''}${options.length > 0 ? ' [options]' : ''}`;
  return [
    `.SS ${argument(usage)}`,
    ...paragraph(/[.!?]$/.test(describe) ? describe : `${describe}.`),
    ...positionals.flatMap((each) => tagged(`\\fI${escaped(each.name)}\\fR${choicesOf(each)}`, each.describe)),
    ...options.flatMap((each) => tagged(`${bold(`--${each.name}`)}${argumentOf(each)}`, `${each.describe}${defaultOf(each)}`)),
    ...(epilogue ? paragraph(epilogue) : []),
    ...examples.flatMap(([line, what]) => [
      '.PP',
      ...(what ? [escaped(`${what}:`), '.br'] : []),
      '.RS',
      '.nf',
      escaped(line),
      '.fi',
      '.RE',
    ]),
  ];
}

const choicesOf = ({ choices }: DeclaredOption) => (choices.length > 0 ? ` (${escaped(choices.join(', '))})` : '');
const argumentOf = ({ takesValue, choices }: DeclaredOption) =>
  !takesValue ? '' : choices.length > 0 ? ` ${escaped(choices.join('|'))}` : ' \\fIVALUE\\fR';
const defaultOf = ({ default: value, describe }: DeclaredOption) =>
  value === undefined || describe.includes(value) ? '' : ` Default: ${value}.`;

function paragraph(text: string): string[] {
  return ['.PP', escaped(text)];
}

function tagged(tag: string, text: string): string[] {
  return ['.TP', tag, escaped(text)];
}

function bold(text: string): string {
  return `\\fB${escaped(text)}\\fR`;
}

/** Text that roff shows as it is: a dash stays one that can be copied, and no line is a request. */
function escaped(text: string): string {
  const plain = text.replace(/\s+/g, ' ').replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll("'", '\\(aq').replaceAll('`', '\\(ga');
  const safe = plain.replaceAll('^', '\\(ha').replaceAll('~', '\\(ti');
  return /^[.']/.test(safe) ? `\\&${safe}` : safe;
}

/** As one argument of a macro. */
function argument(text: string): string {
  return `"${escaped(text).replaceAll('"', '\\(dq')}"`;
}
