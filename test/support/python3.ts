import { existsSync } from 'node:fs';

/** Python. That of a version manager is a script, which takes longer to start than most programs of tests run. */
export const python3: string = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';
