import { NativeRelay } from '../../src/transport/native-relay.ts';
import { loadRelayBinding, type RelayBinding } from '../../src/transport/relay-binding.ts';

/** The addon, or null where it was not built. With ROUNDABOUT_REQUIRE_PEERS=1 that is a failure. */
export function relayBinding(): RelayBinding | null {
  const loaded = loadRelayBinding();
  if ('binding' in loaded) return loaded.binding;
  if (process.env['ROUNDABOUT_REQUIRE_PEERS'] === '1') throw new Error(`no native relay: ${loaded.why}`);
  return null;
}

/** The native relay of this test's process, or null where the addon was not built. Once per process. */
export function nativeRelay(pipes = 256): NativeRelay | null {
  const binding = relayBinding();
  return binding === null ? null : new NativeRelay({ binding, isHeir: true, threads: 1, pipes });
}
