/** The options that say how pods are injected, for `weft inject` and for the webhook of `weft control-plane`. */
import { type Command, Option } from "commander";
import { DEFAULT_SETTINGS, type InjectSettings } from "../inject/settings.ts";
import { IMAGES } from "../inject/values.ts";
import { usageError } from "./exit.ts";
import { version } from "./version.ts";

export interface InjectFlags {
  readonly sidecarImage: string;
  readonly sidecarForm: InjectSettings["form"];
  readonly ownNamespace: string;
}

/** Adds the options to a command. */
export function addInjectOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--sidecar-image <image>", "of the sidecar and of weft-init")
        .env("WEFT_SIDECAR_IMAGE")
        .default(DEFAULT_SETTINGS.image)
        .argParser((text) => {
          if (IMAGES.parse(text) !== undefined) return text;
          throw usageError(`--sidecar-image must be ${IMAGES.expected}, found "${text}"`);
        }),
    )
    .addOption(
      new Option("--sidecar-form <form>", "classic: for clusters before 1.29")
        .env("WEFT_SIDECAR_FORM")
        .choices(["native", "classic"])
        .default(DEFAULT_SETTINGS.form),
    )
    .addOption(
      new Option("--own-namespace <name>", "the control plane's, where nothing is injected")
        .env("WEFT_OWN_NAMESPACE")
        .default(DEFAULT_SETTINGS.ownNamespace),
    );
}

/** `controlPlane`: where sidecars find it, as `HOST:PORT`. */
export function injectSettings(
  flags: InjectFlags,
  controlPlane: string,
  trustDomain: string,
): InjectSettings {
  if (!/^(?:\[[0-9a-fA-F:]+\]|[^\s:/]+):\d{1,5}$/.test(controlPlane)) {
    throw usageError(`the control plane must be HOST:PORT, found "${controlPlane}"`);
  }
  return {
    version: version(),
    image: flags.sidecarImage,
    controlPlane,
    trustDomain,
    ownNamespace: flags.ownNamespace,
    form: flags.sidecarForm,
  };
}
