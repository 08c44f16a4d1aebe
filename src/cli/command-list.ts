import type { Command } from 'commander';
import type { Context } from './context.ts';

/** Defines the flags and the help of a command, and what runs when it is called. */
type DefineCommand = (context: Context, setExitCode: SetExitCode) => Command;

/** Receives the exit code of the command that ran. */
export type SetExitCode = (code: number) => void;

/** A command as the help of the program lists it. */
export interface CommandEntry {
  readonly name: string;
  readonly group: 'Compile and apply:' | 'Inspect:' | 'Other:';
  /** A few words, lowercase, without a period. */
  readonly summary: string;
  /** What follows from an input with errors: `nothing is listed`; by default that there is no ruleset. */
  readonly refusal?: string;
  /** Loads the module of the command; the modules of the others stay unread, which makes the start quick. */
  readonly load: () => Promise<DefineCommand>;
}

/** All commands, in the order of the help. */
export const commands: readonly CommandEntry[] = [
  {
    name: 'compile',
    group: 'Compile and apply:',
    summary: 'print the ruleset of one node',
    load: async () => (await import('./commands/compile-command.ts')).compileCommand,
  },
  {
    name: 'diff',
    group: 'Compile and apply:',
    summary: 'show what apply would change',
    refusal: 'nothing is compared',
    load: async () => (await import('./commands/diff-command.ts')).diffCommand,
  },
  {
    name: 'apply',
    group: 'Compile and apply:',
    summary: "apply this node's ruleset to the kernel",
    refusal: 'nothing is changed',
    load: async () => (await import('./commands/apply-command.ts')).applyCommand,
  },
  {
    name: 'clean',
    group: 'Compile and apply:',
    summary: 'remove the tables from the kernel',
    load: async () => (await import('./commands/clean-command.ts')).cleanCommand,
  },
  {
    name: 'agent',
    group: 'Compile and apply:',
    summary: 'follow a cluster and keep this node in sync with it',
    refusal: 'no agent is started',
    load: async () => (await import('./commands/agent-command.ts')).agentCommand,
  },
  {
    name: 'resolve',
    group: 'Compile and apply:',
    summary: 'complete manifests as a control plane does',
    refusal: 'nothing is printed',
    load: async () => (await import('./commands/resolve-command.ts')).resolveCommand,
  },
  {
    name: 'lab',
    group: 'Compile and apply:',
    summary: 'try a cluster in network namespaces',
    refusal: 'no lab is brought up',
    load: async () => (await import('./commands/lab-command.ts')).labCommand,
  },
  {
    name: 'expose',
    group: 'Compile and apply:',
    summary: 'print a Service for a workload',
    refusal: 'nothing is printed',
    load: async () => (await import('./commands/expose-command.ts')).exposeCommand,
  },
  {
    name: 'explain',
    group: 'Inspect:',
    summary: 'explain where a packet goes',
    refusal: 'nothing is explained',
    load: async () => (await import('./commands/explain-command.ts')).explainCommand,
  },
  {
    name: 'list',
    group: 'Inspect:',
    summary: 'list the frontends of Services on this node',
    refusal: 'nothing is listed',
    load: async () => (await import('./commands/list-command.ts')).listCommand,
  },
  {
    name: 'verify',
    group: 'Inspect:',
    summary: 'check a ruleset against the snapshot',
    refusal: 'nothing is verified',
    load: async () => (await import('./commands/verify-command.ts')).verifyCommand,
  },
  {
    name: 'graph',
    group: 'Inspect:',
    summary: 'draw Services, their frontends and endpoints',
    refusal: 'nothing is drawn',
    load: async () => (await import('./commands/graph-command.ts')).graphCommand,
  },
  {
    name: 'whatif',
    group: 'Inspect:',
    summary: 'say what a change would mean for clients',
    refusal: 'nothing is compared',
    load: async () => (await import('./commands/whatif-command.ts')).whatifCommand,
  },
  {
    name: 'migrate',
    group: 'Inspect:',
    summary: 'say what another proxy on a node changes for clients',
    refusal: 'nothing is compared',
    load: async () => (await import('./commands/migrate-command.ts')).migrateCommand,
  },
  {
    name: 'dns',
    group: 'Inspect:',
    summary: 'print the DNS records of Services',
    refusal: 'no records',
    load: async () => (await import('./commands/dns-command.ts')).dnsCommand,
  },
  {
    name: 'top',
    group: 'Inspect:',
    summary: 'show connections per second by Service and endpoint',
    load: async () => (await import('./commands/top-command.ts')).topCommand,
  },
  {
    name: 'status',
    group: 'Inspect:',
    summary: 'say on one screen how this node is served',
    refusal: 'no agent is asked',
    load: async () => (await import('./commands/status-command.ts')).statusCommand,
  },
  {
    name: 'doctor',
    group: 'Inspect:',
    summary: 'find what keeps Services from working on this machine',
    load: async () => (await import('./commands/doctor-command.ts')).doctorCommand,
  },
  {
    name: 'collect',
    group: 'Inspect:',
    summary: 'print what this node has, to look at it elsewhere',
    load: async () => (await import('./commands/collect-command.ts')).collectCommand,
  },
  {
    name: 'completion',
    group: 'Other:',
    summary: 'print a shell completion script',
    load: async () => (await import('./commands/completion-command.ts')).completionCommand,
  },
  {
    name: 'version',
    group: 'Other:',
    summary: 'print the versions of svc2nft and nft',
    load: async () => (await import('./commands/version-command.ts')).versionCommand,
  },
  {
    name: 'help',
    group: 'Other:',
    summary: 'print help for a command',
    load: async () => (await import('./commands/help-command.ts')).helpCommand,
  },
];
