import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A file that somebody changes: by writing it, by replacing it, or as kubelet does with a mounted ConfigMap. */
export interface ChangingFile {
  readonly file: string;
  /** Gives it a content; the first one, too. */
  update(text: string): Promise<void>;
}

/** A file in a folder, which is created. */
export async function placeConfig(folder: string, how: 'writes' | 'replaces' | 'mounts'): Promise<ChangingFile> {
  await mkdir(folder);
  const file = join(folder, 'config.conf');
  switch (how) {
    case 'writes':
      return { file, update: (text) => writeFile(file, text) };
    case 'replaces':
      return {
        file,
        update: async (text) => {
          await writeFile(join(folder, 'new'), text);
          await rename(join(folder, 'new'), file);
        },
      };
    case 'mounts':
      return { file, update: await mountConfigMap(folder) };
  }
}

/** As kubelet's atomic writer does it: `config.conf` -> `..data/config.conf`, `..data` -> a folder with the time in its name. */
async function mountConfigMap(folder: string): Promise<ChangingFile['update']> {
  await symlink('..data/config.conf', join(folder, 'config.conf'));
  let before: string | undefined;
  let version = 0;
  return async (text) => {
    version += 1;
    const name = `..2030_01_01_00_00_${version}`;
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, 'config.conf'), text);
    await symlink(name, join(folder, '..data_tmp'));
    await rename(join(folder, '..data_tmp'), join(folder, '..data'));
    if (before !== undefined) {
      await rm(join(folder, before), { recursive: true });
    }
    before = name;
  };
}
