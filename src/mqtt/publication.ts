/** One message on its way out. */
import type { SchemaName } from '../contract/messages.js';

export interface Publication {
  readonly topic: string;
  readonly payload: string | Buffer;
  readonly qos: 0 | 1;
  readonly retain: boolean;
  /** MQTT 5: seconds after which the broker throws an undelivered message away. */
  readonly expiryS?: number;
  /** MQTT 5: media type of the payload; JSON where there is a schema. */
  readonly contentType?: string;
  /** MQTT 5: user property `schema`, which schema the payload follows. */
  readonly schema?: SchemaName;
  /** MQTT 5: where the answer is to be published. */
  readonly responseTopic?: string;
  /** MQTT 5: comes back to the requester unchanged. */
  readonly correlationData?: Buffer;
}

/** Generous for the fixed header, the packet id, and the properties that we set. */
const OVERHEAD_BYTES = 128;

/** Upper bound of the size of the PUBLISH packet, in bytes. */
export function packetSizeOf(publication: Publication): number {
  return (
    Buffer.byteLength(publication.topic) +
    Buffer.byteLength(publication.payload) +
    (publication.correlationData?.length ?? 0) +
    Buffer.byteLength(publication.responseTopic ?? '') +
    OVERHEAD_BYTES
  );
}
