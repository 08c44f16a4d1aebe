/** How the program ends; scripts rely on these numbers. */
export const exitCodes = {
  done: 0,
  badInput: 1,
  wrongUsage: 2,
  refused: 3,
  noPermission: 4,
} as const;

/** One of these numbers. */
type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** What a code means. */
interface ExitCodeMeaning {
  readonly code: ExitCode;
  readonly meaning: string;
}

/** The one table of exit codes: for the program as a whole, for most commands, and for commands where they mean something else. */
const meanings: readonly (ExitCodeMeaning & {
  readonly program: string;
  readonly commands: Readonly<Record<string, string>>;
})[] = [
  {
    code: 0,
    program: 'done; diff: no difference; migrate: nobody notices; verify: correct; doctor, status: no problem',
    meaning: 'done',
    commands: {
      diff: 'no difference',
      migrate: 'nobody notices',
      verify: 'correct',
      doctor: 'no problem (there may be warnings)',
      status: 'an agent serves this node (there may be warnings)',
      explain: "explained, whatever the packet's fate",
      list: 'done, even if there is nothing to list',
      clean: 'done, or there was no table',
      collect: 'done, even if something is missing',
    },
  },
  {
    code: 1,
    program:
      'bad input, and nothing is printed or changed; list: also an unknown name (the rest is still listed); diff, migrate: differences; verify: faults; doctor, status: a problem',
    meaning: 'bad input, and nothing is printed or changed',
    commands: {
      diff: 'differences',
      migrate: 'clients notice something',
      verify: 'faults, or the kernel has no table',
      doctor: 'a problem that keeps Services from working',
      status: 'a problem: no agent answers, or changes do not reach the kernel',
      explain: 'bad input, or an unknown name',
      list: 'bad input, no such table, or an unknown Service or namespace (the rest is still listed)',
      graph: 'bad input, or no such Service',
      dns: 'bad input',
      expose: 'bad input, no such object, or a Service that an API server would refuse',
      whatif: 'bad input, or a change that is not possible',
      resolve: 'bad input, or a Service that an API server would refuse',
      lab: 'bad input, no such lab, Pod or node, or an expectation that is not met',
      top: 'no such table, one without counters, or an unknown Service or namespace',
    },
  },
  {
    code: 2,
    program: 'wrong usage; diff, migrate and verify: also bad input',
    meaning: 'wrong usage',
    commands: {
      diff: 'wrong usage or bad input',
      migrate: 'wrong usage or bad input',
      verify: 'wrong usage or bad input',
    },
  },
  {
    code: 3,
    program: 'nft or the kernel refused; apply: or a Service had to be left out',
    meaning: 'nft or the kernel refused',
    commands: { apply: 'nft or the kernel refused, or a Service had to be left out' },
  },
  {
    code: 4,
    program: 'no permission, or nft not found',
    meaning: 'no permission, or nft not found',
    commands: {
      compile: 'no permission to write, or to read the cluster',
      collect: 'no permission to write',
      graph: 'no permission to write, or to read the cluster',
      lab: 'not root, not Linux, or a program is missing',
      whatif: 'no permission to read the cluster',
    },
  },
];

/** The codes of commands that do not have them all. */
const fewerCodes: Readonly<Record<string, readonly ExitCode[]>> = {
  compile: [0, 1, 2, 4],
  graph: [0, 1, 2, 4],
  whatif: [0, 1, 2, 4],
  expose: [0, 1, 2],
  clean: [0, 2, 3, 4],
  lab: [0, 1, 2, 4],
  doctor: [0, 1, 2],
  collect: [0, 2, 4],
  status: [0, 1, 2],
  completion: [0, 2],
  version: [0, 2],
  help: [0, 2],
};

/** How a command may end; without a name, the table for all commands. */
export function exitCodesOf(name?: string): readonly ExitCodeMeaning[] {
  if (name === undefined) {
    return meanings.map(({ code, program }) => ({ code, meaning: program }));
  }
  return meanings
    .filter(({ code }) => fewerCodes[name]?.includes(code) ?? true)
    .map(({ code, meaning, commands }) => ({ code, meaning: commands[name] ?? meaning }));
}
