import type { ServicePort } from '../phases/3-model/model.ts';
import { displayName } from '../phases/5-plan/names.ts';
import type { Findings } from './explain-context.ts';
import { kindsOf } from './find-frontends.ts';
import { frontendWords } from './frontend-words.ts';

/** How many of a long list are written. */
const shown = 8;

/** What Services serve at the packet's destination, in place of the port asked for; undefined where none has the address. */
export function findWrongPort({ packet, knowledge }: Findings): string | undefined {
  const { destination } = packet;
  const ports = knowledge?.view.servicePorts.filter((one) => kindsOf(one, destination).length > 0) ?? [];
  const services = [...new Set(ports.map(serviceName))];
  if (services.length === 0) {
    return undefined;
  }
  const texts = services.slice(0, shown).map((service) => {
    const own = ports.filter((one) => serviceName(one) === service);
    const kind = own[0] && kindsOf(own[0], destination)[0];
    return `${frontendWords(kind)} of ${service}, which serves ${listPorts(own)} there`;
  });
  const more = services.length > shown ? `, and of ${services.length - shown} Services more` : '';
  return `${destination} is ${texts.join(', and ')}${more}${whichPort(packet, ports)}`;
}

function serviceName({ namespace, name }: ServicePort): string {
  return `${namespace}/${name}`;
}

function listPorts(ports: readonly ServicePort[]): string {
  const texts = ports.map((one) => `${one.port}/${one.protocol}${one.portName === '' ? '' : ` (${one.portName})`}`);
  return texts.length > shown
    ? `${texts.slice(0, shown).join(', ')} and ${texts.length - shown} ports more`
    : texts.join(', ');
}

/** What else of a Service the port is that was asked for. */
function whichPort(
  { port, protocol }: Pick<Findings['packet'], 'port' | 'protocol'>,
  ports: readonly ServicePort[],
): string {
  const overOther = ports.find((one) => one.port === port && one.protocol !== protocol);
  if (overOther) {
    return `; ${displayName(overOther)} has port ${port} over ${overOther.protocol}, not ${protocol}`;
  }
  const ofProtocol = ports.filter((one) => one.protocol === protocol);
  const target = ofProtocol.find((one) => one.endpoints.some(({ socket }) => socket.port === port));
  if (target) {
    return `; ${port} is the targetPort of ${displayName(target)}, at which its endpoints listen; the Service's port is ${target.port}`;
  }
  const nodePort = ofProtocol.find((one) => one.nodePort === port);
  return nodePort
    ? `; ${port} is the node port of ${displayName(nodePort)}, open at addresses of nodes; the Service's port is ${nodePort.port}`
    : '';
}
