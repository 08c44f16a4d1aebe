import { isMapping } from '../../lib/unknown-values.ts';
import type { KnownNames, ListedTable, ListedTables, TableName } from '../listed-table.ts';
import type { NftSet } from '../objects/nft-json.ts';
import { readListedTable } from '../objects/read-listed-table.ts';
import { createSetReader, type SetReader } from '../objects/read-set.ts';
import { addNftObject, checkNftElements, checkNftObjects, emptyDraft, objectsIn, setIn } from './check-nft-objects.ts';

/** Thrown for output of nft that cannot be read at all. */
export class NftJsonError extends Error {
  override readonly name = 'NftJsonError';
}

/** Reads what `nft -j list table FAMILY TABLE` prints while it comes, and keeps only what it means. */
export interface TableReader {
  /** Never throws. */
  push(bytes: Uint8Array): void;
  /**
   * One table. Whatever svc2nft never writes is a deviation, and so is a missing table. Other tables are ignored.
   *
   * @throws NftJsonError for a text that is not JSON: nft was stopped halfway, or nft 1.0.6 met a table with flags, where it
   * stops in the middle and reports success.
   */
  end(): ListedTable;
}

/** @param pieceSize after how many bytes the elements so far are read. */
export function createTableReader(name: TableName, knownNames: KnownNames, pieceSize = 65_536): TableReader {
  const found = emptyDraft();
  const readers = new Map<NftSet, SetReader>();
  let isEmpty = true;
  let reader: SetReader | undefined;
  let problem: unknown;
  const text = splitNftJson(pieceSize, {
    onHead: (head) => {
      const set = setIn(head, name);
      reader =
        set?.name === undefined ? undefined : createSetReader({ ...set, name: set.name }, name.family, knownNames);
      return reader !== undefined;
    },
    onElements: (elements) => reader?.add(checkNftElements(elements)),
    onObject: (object) => {
      addNftObject(object, name, found);
      const set = found.sets.at(-1);
      if (reader && set) {
        readers.set(set, reader);
      }
      reader = undefined;
    },
  });
  return {
    push: (bytes) => {
      isEmpty = false;
      try {
        if (problem === undefined) {
          text.push(bytes);
        }
      } catch (error) {
        problem = error;
      }
    },
    end: () => {
      try {
        if (problem !== undefined) {
          throw problem;
        }
        const isList = text.end();
        return readListedTable(isList ? found : emptyDraft(), name, knownNames, readers);
      } catch (cause) {
        const reason = isEmpty ? 'printed nothing' : 'did not print whole JSON';
        throw new NftJsonError(`nft ${reason} for table ${name.family} ${name.table}`, { cause });
      }
    },
  };
}

/** Receives the parts of what nft prints. */
interface NftJsonParts {
  /** A set or map up to its elements, which have become many; whether to take them apart. */
  onHead(head: unknown): boolean;
  /** Some more of its elements. */
  onElements(elements: readonly unknown[]): void;
  /** An object, without the elements that were passed before. */
  onObject(object: unknown): void;
}

const [quote, comma, backslash] = [0x22, 0x2c, 0x5c];
const [openBracket, closeBracket, openBrace, closeBrace] = [0x5b, 0x5d, 0x7b, 0x7d];

const elementsBegin = /"elem":\s*\[$/;

/** How many brackets are open in `{"nftables": [`, and in `{"nftables": [{"set": {"elem": [`. */
const objectDepth = 2;
const elementDepth = 5;

/**
 * Takes JSON apart that comes in pieces: `{"nftables": [OBJECT, {"set": {..., "elem": [ELEMENT, ...]}}, ...]}`. An object is
 * parsed when it ends, long lists of elements before that. Each byte is part of something that is parsed, so whatever is
 * not JSON is found; both methods throw a SyntaxError for it.
 */
function splitNftJson(pieceSize: number, { onHead, onElements, onObject }: NftJsonParts) {
  /** What is outside of objects, with 0 in their places. */
  let frame = '';
  /** The object up to its innermost list. */
  let head = '';
  let list: 'none' | 'whole' | 'new' | 'taken' = 'none';
  const piece = createPiece();
  const passElements = (end: number): void => onElements(parseElements(piece.take(end)));
  const see = followBrackets({
    open: (byte, depth, at) => {
      if (depth === objectDepth) {
        frame += `${piece.take(at)}0`;
      }
      if (depth === elementDepth - 1 && byte === openBracket) {
        head += piece.take(at + 1);
        list = elementsBegin.test(head) ? 'new' : 'whole';
      }
    },
    separate: (depth, at) => {
      if (depth !== elementDepth || piece.lengthAt(at) < pieceSize) {
        return;
      }
      if (list === 'new') {
        list = onHead(JSON.parse(`${head}]}}`)) ? 'taken' : 'whole';
      }
      if (list === 'taken') {
        passElements(at);
        piece.skip();
      }
    },
    close: (depth, at) => {
      if (depth === elementDepth) {
        if (list === 'taken') {
          passElements(at);
        }
        list = 'none';
      }
      if (depth === objectDepth + 1) {
        const object: unknown = JSON.parse(head + piece.take(at + 1));
        head = '';
        onObject(object);
      }
    },
  });
  return {
    push: (bytes: Uint8Array): void => {
      piece.add(bytes);
      see(bytes);
    },
    /** Whether there was a list of objects. */
    end: (): boolean => {
      const json: unknown = JSON.parse(frame + piece.rest());
      return isMapping(json) && Array.isArray(json['nftables']);
    },
  };
}

function parseElements(text: string): readonly unknown[] {
  const elements: unknown = JSON.parse(`[${text}]`);
  if (!Array.isArray(elements) || elements.length === 0) {
    throw new SyntaxError('a list ends with a comma');
  }
  return elements;
}

/** Receives what is outside of quoted texts; depths are those before the byte. */
interface Brackets {
  open(byte: number, depth: number, at: number): void;
  separate(depth: number, at: number): void;
  close(depth: number, at: number): void;
}

/** Follows the brackets of JSON that comes in pieces. */
function followBrackets({ open, separate, close }: Brackets): (bytes: Uint8Array) => void {
  let depth = 0;
  let isText = false;
  let isEscaped = false;
  const see = (byte: number, at: number): void => {
    switch (byte) {
      case quote:
        isText = true;
        break;
      case openBrace:
      case openBracket:
        open(byte, depth, at);
        depth++;
        break;
      case closeBrace:
      case closeBracket:
        close(depth, at);
        depth--;
        break;
      case comma:
        separate(depth, at);
    }
  };
  const seeInText = (byte: number): void => {
    isText = isEscaped || byte !== quote;
    isEscaped = !isEscaped && byte === backslash;
  };
  return (bytes) => {
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at] ?? 0;
      if (isText) {
        seeInText(byte);
      } else {
        see(byte, at);
      }
    }
  };
}

/** What was not taken yet of bytes that come in pieces. Positions count from the start of the last piece. */
function createPiece() {
  let before: Uint8Array[] = [];
  let lengthBefore = 0;
  let bytes: Uint8Array = new Uint8Array();
  let start = 0;
  const take = (end: number): string => {
    const last = bytes.subarray(start, end);
    const taken = before.length === 0 ? last : Buffer.concat([...before, last]);
    before = [];
    lengthBefore = 0;
    start = end;
    return decoder.decode(taken);
  };
  return {
    add: (next: Uint8Array): void => {
      if (start < bytes.length) {
        before.push(bytes.subarray(start));
        lengthBefore += bytes.length - start;
      }
      bytes = next;
      start = 0;
    },
    lengthAt: (end: number): number => lengthBefore + end - start,
    take,
    /** Leaves out the next byte. */
    skip: (): void => {
      start++;
    },
    rest: (): string => take(bytes.length),
  };
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Those of the named tables that are in what `nft -j list ruleset` printed, parsed. */
export function readNftTables(json: unknown, names: readonly TableName[], knownNames: KnownNames): ListedTables {
  return {
    tables: names.flatMap((name) => {
      const found = checkNftObjects(json, name);
      return found.table ? [readListedTable(found, name, knownNames)] : [];
    }),
    found: objectsIn(json).flatMap(([kind, { family, name }]) =>
      kind === 'table' && typeof family === 'string' && typeof name === 'string' ? [`${family} ${name}`] : [],
    ),
  };
}
