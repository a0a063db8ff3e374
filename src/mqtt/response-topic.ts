/**
 * Whether a requester's response topic may be published on. Anybody may name one; without bounds this node would
 * publish anything anywhere for them. `prefix` ends with "/".
 */
export function mayRespondTo(topic: string, prefix: string): boolean {
  return topic.startsWith(prefix) && topic.length > prefix.length && topic.length <= 512 && !/[+#\0]/.test(topic);
}
