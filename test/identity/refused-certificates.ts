/** Hostile input 32: certificates that must not be taken of a peer, each wrong in one way, and why. */
import { caConstraints, extendedKeyUsage, keyUsage } from "../../src/control-plane/ca/extensions.ts";
import { distinguishedName } from "../../src/control-plane/ca/write-certificate.ts";
import { KEY_USAGE, OID } from "../../src/identity/oids.ts";
import {
  HOUR,
  type Holder,
  leafExtensions,
  makeCa,
  makeLeaf,
  type NameText,
  namesExtension,
  sha1SignerOf,
  TRUST_DOMAIN,
  WEB,
} from "./pki.ts";

export const root = makeCa("root");
export const withNames = (...names: readonly NameText[]) =>
  makeLeaf(root, { extensions: leafExtensions({ names: namesExtension(...names) }) });

export interface RefusedCertificate {
  readonly is: string;
  /** Leaf first. */
  readonly chain: () => readonly [Holder, ...Holder[]];
  readonly reason: string;
}

export const intermediate = makeCa("intermediate", root);
const noConstraints = makeCa("intermediate without basicConstraints", root, {
  extensions: [keyUsage(KEY_USAGE.keyCertSign)],
});
const middleLeaf = makeLeaf(root, { subject: distinguishedName("test", "a leaf that signs") });

/** All under `root`, or not under it where that is what is wrong. */
export const REFUSED: readonly RefusedCertificate[] = [
  { is: "expired", chain: () => [makeLeaf(root, { notAfter: Date.now() - 1_000 })], reason: "expired" },
  {
    is: "not yet valid",
    chain: () => [makeLeaf(root, { notBefore: Date.now() + HOUR })],
    reason: "not_yet_valid",
  },
  {
    is: "self-signed",
    chain: () => {
      const name = distinguishedName("test", "self");
      const self = makeLeaf({ ...root, name }, { subject: name });
      return [makeLeaf({ ...self, name }, { subject: name, key: self.key })];
    },
    reason: "untrusted_root",
  },
  { is: "of another root", chain: () => [makeLeaf(makeCa("other"))], reason: "untrusted_root" },
  {
    is: "of another root of the same name",
    chain: () => [makeLeaf(makeCa("root"))],
    reason: "untrusted_root",
  },
  {
    is: "of another trust domain",
    chain: () => [withNames(["uri", "spiffe://cluster.example/ns/default/sa/web"])],
    reason: "wrong_trust_domain",
  },
  {
    is: "of a trust domain that only starts like ours",
    chain: () => [withNames(["uri", `spiffe://${TRUST_DOMAIN}.evil/ns/default/sa/web`])],
    reason: "wrong_trust_domain",
  },
  { is: "with a DNS name only", chain: () => [withNames(["dns", "web.default"])], reason: "no_uri_name" },
  {
    is: "with a DNS name that reads like a list of names",
    chain: () => [withNames(["dns", `x, URI:${WEB}`])],
    reason: "no_uri_name",
  },
  {
    is: "without names",
    chain: () => [makeLeaf(root, { extensions: leafExtensions({ names: undefined }) })],
    reason: "no_uri_name",
  },
  {
    is: "with two URI names",
    chain: () => [withNames(["uri", WEB], ["uri", `spiffe://${TRUST_DOMAIN}/ns/default/sa/admin`])],
    reason: "several_uri_names",
  },
  {
    is: "with the same URI name twice",
    chain: () => [withNames(["uri", WEB], ["uri", WEB])],
    reason: "several_uri_names",
  },
  {
    is: "with NUL in its URI",
    chain: () => [withNames(["uri", `${WEB}\0.evil`])],
    reason: "control_byte_in_name",
  },
  {
    is: "with NUL in a DNS name beside a right URI",
    chain: () => [withNames(["uri", WEB], ["dns", "web\0.evil"])],
    reason: "control_byte_in_name",
  },
  {
    is: "with a line break in its URI",
    chain: () => [withNames(["uri", `${WEB}\r\nx: y`])],
    reason: "control_byte_in_name",
  },
  {
    is: "with another scheme",
    chain: () => [withNames(["uri", "https://cluster.local/ns/default/sa/web"])],
    reason: "invalid_spiffe_id",
  },
  {
    is: "with a percent-encoded id",
    chain: () => [withNames(["uri", `spiffe://${TRUST_DOMAIN}/ns/default/sa/%77eb`])],
    reason: "invalid_spiffe_id",
  },
  {
    is: "with the id of the trust domain",
    chain: () => [withNames(["uri", `spiffe://${TRUST_DOMAIN}`])],
    reason: "not_a_workload",
  },
  {
    is: "with an id of another shape",
    chain: () => [withNames(["uri", `${WEB}/pod/1`])],
    reason: "not_a_workload",
  },
  {
    is: "a leaf with CA:TRUE",
    chain: () => [makeLeaf(root, { extensions: leafExtensions({ constraints: caConstraints(0) }) })],
    reason: "is_ca",
  },
  {
    is: "a leaf that may sign certificates",
    chain: () => [
      makeLeaf(root, {
        extensions: leafExtensions({ usage: keyUsage(KEY_USAGE.digitalSignature | KEY_USAGE.keyCertSign) }),
      }),
    ],
    reason: "wrong_key_usage",
  },
  { is: "a leaf signed by a leaf", chain: () => [makeLeaf(middleLeaf), middleLeaf], reason: "invalid_chain" },
  {
    is: "under an intermediate without basicConstraints",
    chain: () => [makeLeaf(noConstraints), noConstraints],
    reason: "invalid_chain",
  },
  {
    is: "under a chain longer than the root allows",
    chain: () => {
      const second = makeCa("second intermediate", intermediate);
      return [makeLeaf(second), second, intermediate];
    },
    reason: "invalid_chain",
  },
  {
    is: "for servers only",
    chain: () => [
      makeLeaf(root, { extensions: leafExtensions({ extendedUsage: extendedKeyUsage(OID.serverAuth) }) }),
    ],
    reason: "wrong_extended_key_usage",
  },
  {
    is: "for code signing",
    chain: () => [
      makeLeaf(root, {
        extensions: leafExtensions({ extendedUsage: extendedKeyUsage("1.3.6.1.5.5.7.3.3") }),
      }),
    ],
    reason: "wrong_extended_key_usage",
  },
  {
    is: "without extended key usage",
    chain: () => [makeLeaf(root, { extensions: leafExtensions({ extendedUsage: undefined }) })],
    reason: "wrong_extended_key_usage",
  },
  {
    is: "without digitalSignature",
    chain: () => [makeLeaf(root, { extensions: leafExtensions({ usage: keyUsage(1 << 4) }) })],
    reason: "wrong_key_usage",
  },
  {
    is: "without key usage",
    chain: () => [makeLeaf(root, { extensions: leafExtensions({ usage: undefined }) })],
    reason: "wrong_key_usage",
  },
  {
    is: "signed with SHA-1",
    chain: () => [makeLeaf(root, { signer: sha1SignerOf(root.key) })],
    reason: "weak_signature",
  },
];
