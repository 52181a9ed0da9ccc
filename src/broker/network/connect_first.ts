import { binding } from "../../platform/binding.ts";
import { errnoName } from "../../platform/errno.ts";
import { Stream } from "../../platform/stream.ts";
import type { IpAddress } from "../../policy/ip_address.ts";

/** An address that has not answered after this long gets company (RFC 8305, connection attempt delay). */
const NEXT_MS = 250;

/**
 * Connects to whichever of exactly these addresses answers first; they are tried in their order. Rejects with the Node-like error of
 * the last one, or ETIMEDOUT.
 */
export function connectFirst(
  addresses: readonly IpAddress[],
  port: number,
  timeoutMs: number,
): Promise<Stream> {
  return new Promise((resolve, reject) => {
    const trying = new Set<Stream>();
    let next = 0;
    let company: NodeJS.Timeout | undefined;

    const settle = (act: () => void): void => {
      clearTimeout(company);
      clearTimeout(limit);
      next = addresses.length;
      act();
      for (const stream of trying) stream.close("reset");
    };
    const tryNext = (): void => {
      clearTimeout(company);
      const address = addresses[next++];
      if (address === undefined) return;
      if (next < addresses.length) company = setTimeout(tryNext, NEXT_MS);
      const fd = binding.openEndpoint("connect", address, port);
      if (fd < 0) {
        failed(errorOf(errnoName(-fd)));
        return;
      }
      const stream = new Stream(fd);
      trying.add(stream);
      stream.connected().then(
        () => {
          if (trying.delete(stream)) settle(() => resolve(stream));
        },
        (error: Error) => {
          trying.delete(stream);
          stream.close("reset");
          failed(error);
        },
      );
    };
    const failed = (error: Error): void => {
      if (next < addresses.length) tryNext();
      else if (trying.size === 0) settle(() => reject(error));
    };
    const limit = setTimeout(() => settle(() => reject(errorOf("ETIMEDOUT"))), timeoutMs);
    tryNext();
  });
}

function errorOf(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(code), { code });
}
