import { afterAll, beforeAll, expect } from 'vitest';

/** Files of tests share a process: each must leave environment and folder as it found them. */
let before: object;

beforeAll(() => {
  before = surroundings();
});

afterAll(() => {
  expect(surroundings()).toEqual(before);
});

function surroundings(): object {
  return { environment: { ...process.env }, folder: process.cwd() };
}
