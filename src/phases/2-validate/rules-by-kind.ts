import { checkEndpointSlice } from './check-endpoint-slice.ts';
import { checkNode, checkServiceCIDR } from './check-node.ts';
import { checkService } from './check-service.ts';
import { type Rules, rulesOf } from './keep-valid.ts';
import type { EndpointSlice, Node, Service, ServiceCIDR } from './kubernetes.ts';
import { endpointSliceSchema, nodeSchema, serviceCIDRSchema } from './other-schemas.ts';
import { serviceSchema } from './service-schema.ts';

/** How each kind of object is checked. */
export const serviceRules: Rules<Service> = rulesOf(serviceSchema, checkService);
export const endpointSliceRules: Rules<EndpointSlice> = rulesOf(endpointSliceSchema, checkEndpointSlice);
export const nodeRules: Rules<Node> = rulesOf(nodeSchema, checkNode);
export const serviceCIDRRules: Rules<ServiceCIDR> = rulesOf(serviceCIDRSchema, checkServiceCIDR);
