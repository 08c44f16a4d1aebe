/** The whole command line as data; help of every kind is made of this. */
export interface ProgramManual extends CommandManual {
  readonly version: string;
  /** In the order of the help. */
  readonly commands: readonly CommandManual[];
  /** The command that is meant where the first word is none. */
  readonly defaultCommand: string;
}

export interface CommandManual {
  /** Without the name of the program. */
  readonly name: string;
  /** A few words, lower case, without a full stop. */
  readonly summary: string;
  readonly description: string;
  /** Such as `svc2nft diff [options] [PATH...]`. */
  readonly usage: string;
  readonly arguments: readonly ArgumentManual[];
  readonly options: readonly OptionManual[];
  /** Lines as one types them; a remark may follow after spaces. */
  readonly examples: readonly string[];
  readonly notes: readonly TextBlock[];
  readonly exitCodes: readonly ExitCodeManual[];
}

export interface ArgumentManual {
  /** Such as `[PATH...]`. */
  readonly term: string;
  readonly description: string;
  readonly value: ValueManual;
  /** Takes all further words, too. */
  readonly variadic: boolean;
}

export interface OptionManual {
  /** Such as `-o, --output <format>`. */
  readonly flags: string;
  /** Such as `-o` and `--output`. */
  readonly names: readonly string[];
  readonly description: string;
  /** None for a switch. */
  readonly value: ValueManual | undefined;
  readonly default: string | undefined;
  readonly required: boolean;
  readonly repeatable: boolean;
}

/** What an argument, or an option with a value, takes. Without words and files it is any text. */
export interface ValueManual {
  readonly name: string;
  readonly words: readonly string[];
  /** Names of files and folders, besides the words. */
  readonly files: boolean;
  /** Other texts are as good as the words; one that ends in a colon goes on. */
  readonly open?: true;
}

export interface ExitCodeManual {
  readonly code: string;
  readonly meaning: string;
}

/** Prose is one line, to be wrapped; lines are kept as they are. */
export interface TextBlock {
  readonly kind: 'prose' | 'lines';
  readonly text: string;
}
