import type { CompileOptions } from '../../options.ts';
import type { NodeSettings } from '../3-model/model.ts';
import type { FixedContext } from './fixed-chains.ts';
import type { FirewallContext } from './plan-firewall.ts';

/** What every fragment depends on besides its service port: the node's settings. */
export interface FragmentContext extends FixedContext, FirewallContext {
  /** Whether affinity may use maps that rules write to; see owned-affinity.ts. */
  readonly flatAffinity: boolean;
}

/** The context of a family on a node. */
export function fragmentContext(settings: NodeSettings, options: CompileOptions): FragmentContext {
  return {
    family: settings.family,
    mark: 2 ** options.masqueradeBit,
    masqueradeAll: options.masqueradeAll,
    detector: settings.detector,
    nodePortAddresses: settings.nodePortAddresses,
    primaryAddress: settings.primaryAddress,
    flatAffinity: settings.family === 'ip' || options.targetNft === '1.1.3',
  };
}
