import { type Diagnostic, severityOf } from '../diagnostics.ts';
import { escapeControls } from '../escape-controls.ts';
import type { ServiceNote } from '../places/read-service-notes.ts';

/** The notes, those of Services that `--keep-going` left out with that for the reason why nobody serves them. */
export function markRefused(notes: readonly ServiceNote[], diagnostics: readonly Diagnostic[]): ServiceNote[] {
  const refused = new Set(
    diagnostics.flatMap((diagnostic) =>
      severityOf(diagnostic) === 'error' && diagnostic.object?.kind === 'Service'
        ? escapeControls(`${diagnostic.object.namespace || 'default'}/${diagnostic.object.name}`)
        : [],
    ),
  );
  return notes.map((note) =>
    refused.has(`${note.namespace}/${note.name}`) ? { ...note, unserved: 'left out' } : note,
  );
}
