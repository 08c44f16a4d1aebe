import { Ajv } from 'ajv';
import { expect, test } from 'vitest';
import {
  endpointSliceSchema,
  nodeSchema,
  serviceCIDRSchema,
  serviceSchema,
} from '../../../src/phases/2-validate/schemas.ts';

test.each(Object.entries({ serviceSchema, endpointSliceSchema, nodeSchema, serviceCIDRSchema }))(
  '%s is a valid JSON Schema',
  (_, schema) => {
    const ajv = new Ajv({ strict: true });
    ajv.addVocabulary(['code', 'expects']);
    expect(ajv.validateSchema(schema)).toBe(true);
  },
);
