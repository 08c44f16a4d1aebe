import { describe, expect, test } from 'vitest';
import { endLabFlags } from '../../src/cli/flags/lab-words.ts';

describe('the words of a program in a lab', () => {
  test.each([
    ['lab curl http://cart', 'lab curl -- http://cart'],
    ['lab curl --from outside -s http://cart', 'lab curl --from outside -- -s http://cart'],
    ['lab curl -s --from pod:a/b http://cart --name=x', 'lab curl --from pod:a/b --name=x -- -s http://cart'],
    ['lab curl -s -- http://cart --from outside', 'lab curl -- -s -- http://cart --from outside'],
    ['lab dig +short cart --from node:a', 'lab dig --from node:a -- +short cart'],
    ['lab nc -w 1 cart 80 --color never', 'lab nc -- -w 1 cart 80 --color never'],
    ['lab shell sh -c id --from node:a', 'lab shell -- sh -c id --from node:a'],
    ['lab curl http://cart --from', 'lab curl --from'],
    ['lab --name x curl -v http://cart', 'lab --name x curl -- -v http://cart'],
    ['lab shell --from node:a sh -c id', 'lab shell --from node:a -- sh -c id'],
    ['lab dig -- +short a', 'lab dig -- +short a'],
    ['lab curl --help', 'lab curl --help'],
    ['lab curl http://cart --help', 'lab curl -- http://cart --help'],
    ['lab shop.yaml --nodes 5', 'lab shop.yaml --nodes 5'],
    ['lab scale deployment/curl 3', 'lab scale deployment/curl 3'],
    ['lab shop.yaml curl', 'lab shop.yaml curl'],
  ])('%s', (line, ended) => {
    expect(endLabFlags(line.split(' ')).join(' ')).toBe(ended);
  });
});
