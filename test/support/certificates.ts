import { generateKeyPairSync } from 'node:crypto';
import forge from 'node-forge';

/** A certificate with its key, both as PEM. */
export interface Certified {
  readonly cert: string;
  readonly key: string;
}

/** What a certificate says. */
export interface CertificateOptions {
  /** DNS names and IP addresses; default: 127.0.0.1. */
  readonly names?: readonly string[];
  /** Who signs it; default: itself. */
  readonly issuer?: Certified;
  /** From when to when it is valid, in days from now; default: from yesterday to tomorrow. */
  readonly days?: readonly [from: number, to: number];
}

let serial = 0;

/** Makes a certificate. One that signs itself can sign others. */
export function createCertificate({
  names = ['127.0.0.1'],
  issuer,
  days: [from, to] = [-1, 1],
}: CertificateOptions = {}): Certified {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2_048,
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  serial += 1;
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKey);
  // Positive, and another one for each certificate of an issuer.
  certificate.serialNumber = `01${serial.toString(16).padStart(4, '0')}`;
  certificate.validity.notBefore = inDays(from);
  certificate.validity.notAfter = inDays(to);
  const subject = [{ shortName: 'CN', value: `certificate ${serial}` }];
  certificate.setSubject(subject);
  certificate.setIssuer(issuer ? forge.pki.certificateFromPem(issuer.cert).subject.attributes : subject);
  certificate.setExtensions([
    { name: 'basicConstraints', cA: issuer === undefined },
    {
      name: 'subjectAltName',
      altNames: names.map((name) => (/^[\d.]+$/.test(name) ? { type: 7, ip: name } : { type: 2, value: name })),
    },
  ]);
  certificate.sign(forge.pki.privateKeyFromPem(issuer?.key ?? privateKey), forge.md.sha256.create());
  return { cert: forge.pki.certificateToPem(certificate), key: privateKey };
}

function inDays(days: number): Date {
  return new Date(Date.now() + days * 86_400_000);
}
